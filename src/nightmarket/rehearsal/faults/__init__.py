"""What may strike a shop while it is rehearsed: which fault when, whose processes they are, and when it is back."""

from .injecting import Note, Target, inject
from .plan import Fault, Strike, possible, read_faults
from .processes import ShopProcesses
from .striking import Silenced

__all__ = ["Fault", "Note", "ShopProcesses", "Silenced", "Strike", "Target", "inject", "possible", "read_faults"]
