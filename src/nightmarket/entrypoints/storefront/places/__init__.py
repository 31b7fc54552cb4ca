"""Places and samples, as shoppers meet them: open a place's code, book a seat at a counter, show the pass."""

from .sampling import ROUTES as SAMPLING
from .visiting import ROUTES as VISITING

ROUTES = [*VISITING, *SAMPLING]

__all__ = ["ROUTES"]
