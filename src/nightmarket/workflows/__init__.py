"""What crosses modules over time, one file each."""
