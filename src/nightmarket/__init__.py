"""Nightmarket runs shopping festivals: the days when a marketplace sells more in five minutes than in a week."""

__version__ = "0.1.0"
