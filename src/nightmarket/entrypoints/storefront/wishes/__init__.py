"""Wishes, goods that one waits for, brands that one follows."""

from .pages import ROUTES

__all__ = ["ROUTES"]
