"""The pages of shoppers' accounts; `saved` is what the checkout asks of them."""

from .routes import ROUTES
from .saved import Saved, keep_address, saved

__all__ = ["ROUTES", "Saved", "keep_address", "saved"]
