"""What search does when it is asked, and when goods change or are sold."""

from .indexing import StoredIndexer
from .listening import catalog_follower, sales_chore, sales_follower, stock_follower
from .searching import StoredSearch

__all__ = ["StoredIndexer", "StoredSearch", "catalog_follower", "sales_chore", "sales_follower", "stock_follower"]
