"""Tools of the house; run them with `make` from the repository root."""
