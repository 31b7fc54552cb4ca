"""Cells of tables that go out and come in: none that a spreadsheet would calculate, and each comes back as it was.

A text that begins like a formula gets an apostrophe (OWASP, CSV injection), and so does one that begins with
apostrophes before such a sign, so that taking one off again is exact. A plain number such as -5 stays a number.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_QUOTED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?\Z")


def defused(text: str) -> str:
    """The text as a cell."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


def restored(cell: str) -> str:
    """The text that `defused` made the cell of."""
    return cell[1:] if cell[:1] == "'" and _QUOTED.match(cell) else cell
