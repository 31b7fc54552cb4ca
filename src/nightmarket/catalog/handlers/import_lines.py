"""Reads JSON Lines as a stream."""

import io
from collections.abc import Iterator

from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.json_rows import read_line, remark
from nightmarket.catalog.model.rows import Reading

MAX_ROW_LETTERS = 1_000_000
"""One product on one line, or one row of a table."""


def too_long() -> RowRefused:
    """The refusal of a row that is over the bound."""
    return RowRefused(
        "",
        Reason.ROW_TOO_LONG,
        f"The row is longer than {MAX_ROW_LETTERS:,} letters.",
        "Shorten it; if it holds several products, put each on a line of its own.",
    )


def skip_line(text: io.TextIOBase) -> int:
    """Read on to the end of a line that is too long; returns the letters passed."""
    passed = 0
    while part := text.readline(MAX_ROW_LETTERS):
        passed += len(part)
        if part[-1] in "\r\n":
            break
    return passed


class JsonLines:
    """The rows of a JSON Lines file; `line` and `letters` say how far it has been read."""

    def __init__(self, text: io.TextIOBase, merchant: str | None) -> None:
        self.line = 0
        self.letters = 0
        self._text = text
        self._merchant = merchant

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """Each line that is not blank, understood and checked; the first ones are passed over."""
        while source := self._text.readline(MAX_ROW_LETTERS + 1):
            self.line += 1
            self.letters += len(source)
            broken = len(source) > MAX_ROW_LETTERS and source[-1] not in "\r\n"
            if broken:
                self.letters += skip_line(self._text)
            if source.isspace() and not broken:
                continue
            if skip:
                skip -= 1
            elif broken:
                yield Reading(None, [remark(self.line, too_long())])
            else:
                yield read_line(source, self.line, self._merchant)
