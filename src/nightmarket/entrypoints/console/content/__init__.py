"""The texts of the shop's pages, written by its people in each language."""
