"""The console: where operators, merchants, marketers, service and pickers run the shop.

console = Console(site)                 once per process
*handlers(console_of)                   its routes, for the framework; what exists and who may see it: routes.py
"""

from .console import FOLDER, Console
from .routes import handlers

__all__ = ["FOLDER", "Console", "handlers"]
