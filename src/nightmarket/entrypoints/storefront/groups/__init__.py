"""Buying together, as shoppers meet it: start a group, share it, join, leave."""

from .pages import ROUTES

__all__ = ["ROUTES"]
