"""Things that are not sent: slots of a booking, and what is arranged with the merchant."""

from .asking import ROUTES

__all__ = ["ROUTES"]
