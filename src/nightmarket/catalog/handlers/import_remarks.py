"""Every remark of an import goes to the report file as it comes."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec

from nightmarket.catalog.contract import Remark
from nightmarket.catalog.errors import FileMissing
from nightmarket.catalog.model.cells import defused
from nightmarket.kernel.problems import InvalidInput


class RemarkFile:
    """Writes remarks to `path`: JSON Lines if it ends so, else CSV; without a path, nowhere."""

    def __init__(self, path: str | None, source: Path) -> None:
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
        """Write the remarks, in order."""
        if self._file is None:
            return
        for remark in remarks:
            if self._lines:
                self._file.write(msgspec.json.encode(remark).decode() + "\n")
            else:
                csv.writer(self._file).writerow(remark_cells(remark))
        self._file.flush()


def remark_cells(remark: Remark) -> list[str]:
    """A remark as cells that no spreadsheet takes for formulas."""
    return [defused(str(value)) for value in msgspec.structs.astuple(remark)]
