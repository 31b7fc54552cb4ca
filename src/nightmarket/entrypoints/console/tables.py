"""Tables to take away: CSV that no spreadsheet mistakes for formulas."""

import csv
import io
from collections.abc import Iterable, Sequence

from litestar.response.base import ASGIResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(text: str) -> str:
    """The text as a cell: one that a spreadsheet would calculate gets an apostrophe before it (OWASP CSV injection)."""
    is_number = text.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text


def table_file(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str) -> ASGIResponse:
    """A CSV file in UTF-8 with a mark that spreadsheets know it by."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([plain_cell(cell) for cell in row] for row in rows)
    headers = [
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", f'attachment; filename="{name}"'),
        ("cache-control", "private, no-store"),
    ]
    return ASGIResponse(body=text.getvalue().encode("utf-8-sig"), status_code=200, headers=headers)
