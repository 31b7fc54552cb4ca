"""Wallet money, as shoppers meet it: what they have and for what, paying with it, red packets."""

from .packets import ROUTES

__all__ = ["ROUTES"]
