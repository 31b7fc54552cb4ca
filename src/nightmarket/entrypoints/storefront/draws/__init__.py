"""Draws of prizes and surprise prices, as shoppers meet them: take part, look, check."""

from .drawing import ROUTES as DRAWING
from .surprising import ROUTES as SURPRISING

ROUTES = [*DRAWING, *SURPRISING]

__all__ = ["ROUTES"]
