"""The waiting rooms as operators run them: which there are, how fast people come in, who waits."""
