"""What the browser tests share."""

from collections.abc import Callable

from playwright.sync_api import Page

Visitor = Callable[..., Page]
"""Opens a page as a fresh visitor: `visitor(width=360, locale="de-DE", java_script_enabled=False)`."""
