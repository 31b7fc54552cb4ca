"""Collects rows into the set that one transaction takes: rows of one product are joined, the latest row wins."""

from uuid import UUID

from nightmarket.catalog.contract import Remark
from nightmarket.catalog.errors import Reason

from .checks import RowRefused
from .json_rows import remark
from .rows import ProductRow, Reading, VariantRow, overlay_product, overlay_variant


class Gathering:
    """Products by id, in order of appearance, with what was refused on the way."""

    def __init__(self) -> None:
        self.products: dict[UUID, ProductRow] = {}
        self.remarks: list[Remark] = []
        self.refused_variants = 0
        self.superseded = 0
        self.variants = 0
        self._skus: dict[tuple[str, str], tuple[UUID, int]] = {}

    def add(self, reading: Reading) -> None:
        """Take what was read of one row."""
        self.remarks.extend(reading.remarks)
        self.refused_variants += reading.refused_variants
        row = reading.product
        if row is None:
            return
        taken = [variant for variant in row.variants if self._owns(row, variant)]
        if not taken:
            return
        known = self.products.get(row.id)
        if known is None:
            self.products[row.id] = row
            known = row
            known.variants = []
        else:
            overlay_product(known, row)
        for variant in taken:
            self._place(known, variant)

    def _owns(self, row: ProductRow, variant: VariantRow) -> bool:
        owner = self._skus.get((row.merchant, variant.sku))
        if owner is None or owner[0] == row.id:
            return True
        refusal = sku_taken(variant.sku, self.products[owner[0]].key)
        self.remarks.append(remark(variant.line, refusal, row.key, variant.sku))
        self.refused_variants += 1
        return False

    def _place(self, known: ProductRow, variant: VariantRow) -> None:
        owner = self._skus.get((known.merchant, variant.sku))
        if owner is None:
            self._skus[known.merchant, variant.sku] = (known.id, len(known.variants))
            known.variants.append(variant)
            self.variants += 1
        else:
            known.variants[owner[1]] = overlay_variant(known.variants[owner[1]], variant)
            self.superseded += 1


def sku_taken(sku: str, owner: str) -> RowRefused:
    """One SKU, two products."""
    return RowRefused(
        "sku",
        Reason.SKU_TAKEN,
        f"The SKU {sku!r} already belongs to the product {owner!r}.",
        "Give it another SKU, or name that product.",
    )
