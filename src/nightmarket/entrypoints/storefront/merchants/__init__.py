"""Those who want to sell here: what it means, and the application."""

from .pages import ROUTES

__all__ = ["ROUTES"]
