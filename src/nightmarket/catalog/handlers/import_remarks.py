"""Every remark of an import goes to the report file as it comes; the first ones stay in the report itself."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec

from nightmarket.catalog.contract import ImportReport, Remark
from nightmarket.catalog.errors import FileMissing
from nightmarket.kernel.problems import InvalidInput

KEPT = 200
"""Remarks that a report carries in memory."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RemarkFile:
    """Writes remarks to `path` (JSON Lines if it ends so, else CSV) and counts them in the report."""

    def __init__(self, report: ImportReport, path: str | None, source: Path) -> None:
        self._report = report
        self._lines = path is not None and path.endswith((".jsonl", ".ndjson"))
        self._file: TextIO | None = None
        if path is not None:
            if Path(path).exists() and Path(path).samefile(source):
                raise InvalidInput("The report would overwrite the file that is imported.", field="report")
            try:
                self._file = Path(path).open("w", encoding="utf-8", newline="")  # noqa: SIM115 (closed on exit)
            except OSError as error:
                raise FileMissing(
                    f"The report {path!r} cannot be written: {error.strerror}.", field="report"
                ) from error
            if not self._lines:
                csv.writer(self._file).writerow(Remark.__struct_fields__)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, remarks: Iterable[Remark]) -> None:
        """Note the remarks, in order."""
        for remark in remarks:
            self._report.warnings += not remark.refused
            if len(self._report.remarks) < KEPT:
                self._report.remarks.append(remark)
            if self._file is None:
                continue
            if self._lines:
                self._file.write(msgspec.json.encode(remark).decode() + "\n")
            else:
                csv.writer(self._file).writerow([_harmless(value) for value in msgspec.structs.astuple(remark)])


def _harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
