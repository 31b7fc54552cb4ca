"""What happens on a command to orders, one use case a file; `desk.OrderDesk` is the whole."""

from .books import StoredOrderBooks
from .desk import OrderDesk
from .means import Limits, Means

__all__ = ["Limits", "Means", "OrderDesk", "StoredOrderBooks"]
