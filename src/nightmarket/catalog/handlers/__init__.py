"""What the catalogue does when it is asked, and when goods are imported."""

from .import_pictures import PictureSources
from .import_runs import StoredImportRuns
from .importing import FileImporter
from .queries import StoredCatalog, StoredStockBooks
from .whole_goods import StoredWholeGoods

__all__ = [
    "FileImporter",
    "PictureSources",
    "StoredCatalog",
    "StoredImportRuns",
    "StoredStockBooks",
    "StoredWholeGoods",
]
