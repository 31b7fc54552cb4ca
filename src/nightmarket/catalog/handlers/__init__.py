"""What the catalogue does when it is asked, and when goods are imported."""

from .exporting import FileExporter
from .import_pictures import PictureSources
from .import_runs import StoredImportRuns
from .importing import FileImporter
from .queries import StoredCatalog, StoredStockBooks
from .whole_goods import StoredWholeGoods

__all__ = [
    "FileExporter",
    "FileImporter",
    "PictureSources",
    "StoredCatalog",
    "StoredImportRuns",
    "StoredStockBooks",
    "StoredWholeGoods",
]
