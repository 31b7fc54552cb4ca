"""The offers of the market: the current book, publishing with a trial on sample carts, and retiring."""

from .pages import publish, retire, show_list, show_new, show_retire

__all__ = ["publish", "retire", "show_list", "show_new", "show_retire"]
