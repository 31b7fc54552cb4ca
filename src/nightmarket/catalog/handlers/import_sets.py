"""Rows gathered into sets, and what each set adds to the report."""

from collections.abc import Iterator, Sequence

import msgspec

from nightmarket.catalog.contract import Counts, ImportReport, Remark
from nightmarket.catalog.model.gathering import Gathering
from nightmarket.catalog.model.rows import Reading

from .import_formats import Rows
from .import_goods import Applied

SET_ROWS = 1_000
"""Variants that one transaction writes at most, and rows that are read for it."""

SET_LETTERS = 8_000_000
"""Letters that are read for one transaction, so that memory stays bounded whatever the rows are like."""

REMARKS_KEPT = 200
"""Remarks that a report carries in memory."""


class Sets:
    """Rows, gathered into sets that one transaction can take."""

    def __init__(self, rows: Rows, skip: int = 0) -> None:
        self.read = skip
        """Readings that are in this set or in those before it."""
        self._rows = rows
        self._readings: Iterator[Reading] = rows.rows(skip)
        self._waiting: Reading | None = None

    def next(self) -> Gathering | None:
        """The next set, or None at the end of the file. Reads the file: call it off the event loop."""
        gathering = Gathering()
        start = self._rows.letters
        read = 0
        while read < SET_ROWS and self._rows.letters - start < SET_LETTERS:
            reading, self._waiting = self._waiting or next(self._readings, None), None
            if reading is None:
                break
            if read and reading.product and gathering.variants + len(reading.product.variants) > SET_ROWS:
                self._waiting = reading
                break
            gathering.add(reading)
            read += 1
        self.read += read
        return gathering if read else None


def note(report: ImportReport, remarks: Sequence[Remark]) -> None:
    """Count warnings, and keep the first remarks."""
    report.warnings += sum(not remark.refused for remark in remarks)
    report.remarks.extend(remarks[: max(0, REMARKS_KEPT - len(report.remarks))])


def summed(report: ImportReport, gathering: Gathering, applied: Sequence[Applied]) -> ImportReport:
    """The report after one more set; the one before stays as it is, in case the set is rolled back."""
    counted = {
        name: msgspec.structs.replace(value)
        for name in report.__struct_fields__
        if isinstance(value := getattr(report, name), Counts)
    }
    after = msgspec.structs.replace(report, remarks=list(report.remarks), **counted)
    taken = {row.key for row in gathering.products.values()}
    refused = [remark for remark in gathering.remarks if remark.refused]
    after.products.refused += len({_subject(remark) for remark in refused if remark.product not in taken})
    after.variants.refused += gathering.refused_variants
    after.superseded += gathering.superseded
    for part in applied:
        after.merchants.created += len(part.new.merchants)
        after.places.created += len(part.new.places)
        after.categories.created += len(part.new.categories)
        after.stock_counted += part.counted
        for total, counts in ((after.products, part.plan.product_counts), (after.variants, part.plan.variant_counts)):
            total.created += counts.created
            total.updated += counts.updated
            total.unchanged += counts.unchanged
            total.refused += counts.refused
    return after


def _subject(remark: Remark) -> str | int:
    """What was refused: the product by its key, else the row by its line."""
    return remark.product or remark.line
