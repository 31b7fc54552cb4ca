"""Changes of the catalogue by hand, one kind of change a file."""

from .editor import StoredEditor

__all__ = ["StoredEditor"]
