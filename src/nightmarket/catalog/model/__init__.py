"""The rules of the catalogue, pure: what a row must be, how columns map, and what a row changes."""
