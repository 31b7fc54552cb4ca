"""Reads a Shopify product CSV as a stream: the rows of one handle, which follow one another, are one product."""

import io
from collections.abc import Iterator

from nightmarket.catalog.contract import Remark
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import Reading
from nightmarket.catalog.model.shopify_rows import Given, shopify_reader

from .import_csv import CsvRows, check_width

MAX_PRODUCT_ROWS = 5_000
"""Rows that are joined into one product; Shopify allows 2,048 variants and 250 pictures."""

Numbered = tuple[int, Given]


class ShopifyTable:
    """The products of a file; `line` and `letters` say how far it has been read."""

    def __init__(self, text: io.TextIOBase, merchant: str | None, assumed: Assumed) -> None:
        self._rows = CsvRows(text)
        self._reader = shopify_reader(self._rows.header, merchant, assumed)
        self.unknown = self._reader.unknown

    @property
    def line(self) -> int:
        return self._rows.line

    @property
    def letters(self) -> int:
        return self._rows.letters

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """Each product, understood and checked; the first readings are passed over."""
        done = 0
        for product, faults in self._products():
            for reading in self._reader.read(product, faults) if product else [Reading(None, faults, len(faults))]:
                if done >= skip:
                    yield reading
                done += 1

    def _products(self) -> Iterator[tuple[list[Numbered], list[Remark]]]:
        """Rows by handle; a row that cannot be taken apart stands with the product that it follows."""
        product: list[Numbered] = []
        faults: list[Remark] = []
        for row in self._rows.rows():
            if isinstance(row, Reading):
                faults.extend(row.remarks)
                continue
            line, cells = row
            try:
                check_width(cells, self._rows.header)
            except RowRefused as refusal:
                faults.append(remark(line, refusal))
                continue
            given = self._reader.given(cells)
            if (
                product
                and given.get("handle", "") == product[0][1].get("handle", "")
                and len(product) < MAX_PRODUCT_ROWS
            ):
                product.append((line, given))
                continue
            if product or faults:
                yield product, faults
            product, faults = [(line, given)], []
        if product or faults:
            yield product, faults
