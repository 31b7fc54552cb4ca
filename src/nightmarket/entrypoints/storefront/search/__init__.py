"""Search, suggestions, and every list of goods."""

from . import pages, suggesting

ROUTES = [*pages.ROUTES, *suggesting.ROUTES]

__all__ = ["ROUTES"]
