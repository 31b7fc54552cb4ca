"""What happens on commands to promotions, and where each process keeps its book."""

from .books import StoredBooks
from .publishing import StoredOffers

__all__ = ["StoredBooks", "StoredOffers"]
