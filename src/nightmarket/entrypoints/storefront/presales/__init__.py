"""Presales, as shoppers meet them: book a place with a deposit, see it, pay the balance."""

from .pages import ROUTES

__all__ = ["ROUTES"]
