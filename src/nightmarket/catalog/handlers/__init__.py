"""What the catalogue does when it is asked, and when goods are imported."""

from .importing import FileImporter
from .queries import StoredCatalog, StoredStockBooks
from .whole_goods import StoredWholeGoods

__all__ = ["FileImporter", "StoredCatalog", "StoredStockBooks", "StoredWholeGoods"]
