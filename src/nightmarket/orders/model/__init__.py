"""The rules of carts, sessions and orders. Pure: no clock, no database."""
