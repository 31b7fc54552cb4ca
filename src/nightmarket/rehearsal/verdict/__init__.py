"""The verdict on a rehearsal: what was asked from outside, what was measured, and the report for people."""

from .judging import Court, Judge
from .reading import Run, read_result, read_run
from .result import Answer, Cost, FaultLine, Figures, Limit, Result

__all__ = [
    "Answer",
    "Cost",
    "Court",
    "FaultLine",
    "Figures",
    "Judge",
    "Limit",
    "Result",
    "Run",
    "read_result",
    "read_run",
]
