"""Joint offers at the console: who goes well with whom, proposing, answering, deciding, and who paid what."""
