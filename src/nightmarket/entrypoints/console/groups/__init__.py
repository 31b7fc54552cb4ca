"""Group purchases at the console."""
