"""Cashback campaigns and red packets at the console."""
