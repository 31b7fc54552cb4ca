"""The UCI repository's "Online Retail": a CSV of invoice lines, plain or gzipped, read invoice by invoice.

Cancelled invoices (C...), adjustments (A...), and lines without a positive quantity and price are left out. Prices have
two decimals but for a few with three, which are rounded half up; all are pounds sterling.
"""

import csv
import gzip
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import IO

from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import PriceCart, PriceLine, Shopper
from nightmarket.promotions.contract.simulations import PastCart

COLUMNS = {"InvoiceNo", "StockCode", "Quantity", "UnitPrice", "CustomerID", "Country"}
MERCHANT = derive("past-carts", "online retail")
PENCE = Decimal("0.01")
REGIONS = {
    "United Kingdom": "GB",
    "Germany": "DE",
    "France": "FR",
    "EIRE": "IE",
    "Spain": "ES",
    "Netherlands": "NL",
    "Belgium": "BE",
    "Switzerland": "CH",
    "Portugal": "PT",
    "Australia": "AU",
    "Italy": "IT",
    "Norway": "NO",
    "Sweden": "SE",
    "Denmark": "DK",
    "Finland": "FI",
    "Austria": "AT",
    "Japan": "JP",
    "USA": "US",
}
"""The regions that conditions may name; buyers elsewhere have none."""


def opened(path: Path) -> IO[str]:
    """A text, whether gzipped or not."""
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", field="carts")
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def past_carts(path: Path) -> Iterator[PastCart]:
    """One cart per invoice, in the file's order. Raises InvalidInput for a file with other columns."""
    with opened(path) as file:
        reader = csv.DictReader(file)
        missing = COLUMNS - set(reader.fieldnames or ())
        if missing:
            raise InvalidInput(f"The file lacks the columns {', '.join(sorted(missing))}.", field="carts")
        rows: list[dict[str, str]] = []
        for row in reader:
            if rows and row["InvoiceNo"] != rows[0]["InvoiceNo"]:
                yield from _cart(rows)
                rows = []
            rows.append(row)
        if rows:
            yield from _cart(rows)


def _cart(rows: list[dict[str, str]]) -> Iterator[PastCart]:
    first = rows[0]
    if not first["InvoiceNo"].isdigit():
        return
    lines: list[PriceLine] = []
    for number, row in enumerate(rows):
        quantity = int(row["Quantity"])
        pence = int((Decimal(row["UnitPrice"]).quantize(PENCE, ROUND_HALF_UP)) * 100)
        if quantity > 0 and pence > 0:
            goods = derive("past-carts", "online retail", row["StockCode"])
            lines.append(PriceLine(f"{number:04}", goods, goods, MERCHANT, "", "", quantity, pence))
    if lines:
        buyer = first["CustomerID"].removesuffix(".0")
        shopper = Shopper(
            id=derive("past-carts", "buyer", buyer) if buyer else None, region=REGIONS.get(first["Country"])
        )
        yield PastCart(first["InvoiceNo"], PriceCart("GBP", tuple(lines)), shopper)
