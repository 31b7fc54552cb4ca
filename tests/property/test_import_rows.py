"""Whatever a file holds, each row is taken or explained, and what is taken is what was written."""

import csv
import io
import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.catalog.handlers.import_table import Table
from nightmarket.catalog.model import checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.gathering import Gathering
from nightmarket.catalog.model.json_rows import read_line
from nightmarket.catalog.model.proposing import propose

HEADER = ["sku", "product", "title.en", "price.EUR", "stock.main", "gtin", "option.size"]
TEXT = st.text(max_size=30)
ROWS = st.lists(st.lists(TEXT, min_size=5, max_size=9), max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(ROWS)
def test_tables_of_any_text(rows: list[list[str]]) -> None:
    """No cell of a well-formed table can stop its reading: every row that is not blank is taken or has its remark."""
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    readings = list(Table(io.StringIO(written.getvalue(), newline=""), (), "uci").rows())
    assert len(readings) == sum(any(row) for row in rows)
    for reading in readings:
        assert (reading.product is None) == bool(reading.remarks)


@given(st.text(max_size=200))
def test_tables_that_are_none(text: str) -> None:
    """Text without any form behind a header is read to its end as well."""
    readings = list(Table(io.StringIO(",".join(HEADER) + "\n" + text, newline=""), (), "uci").rows())
    assert all((reading.product is None) == bool(reading.remarks) for reading in readings)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=12))
def test_headers_of_any_text(header: list[str]) -> None:
    """A map is proposed for any header, or refused with a reason."""
    with suppress(ColumnMapWrong):
        assert all("=" in entry for entry in propose(header))


@given(JSON)
def test_any_json(value: object) -> None:
    """Any JSON is a product or a remark."""
    reading = read_line(json.dumps(value), 1, "uci")
    assert reading.product is None
    assert reading.remarks


@given(st.text(max_size=100))
def test_any_line(line: str) -> None:
    """So is any text that is no JSON."""
    assert read_line(line, 1, "uci").remarks


@given(st.text(max_size=100))
def test_text_checked_twice_is_the_same(value: str) -> None:
    """Text that was taken is taken again as it is; all of it can be stored in a database and written as UTF-8."""
    try:
        kept = checks.text(value, field="here", limit=100, lines=True)
    except RowRefused:
        return
    assert checks.text(kept, field="here", limit=100, lines=True) == kept
    assert "\0" not in kept
    kept.encode()


@given(st.text(max_size=200))
def test_proposed_slugs_are_slugs(value: str) -> None:
    """What is proposed as a slug is one, or nothing."""
    proposed = checks.make_slug(value)
    assert not proposed or checks.slug(proposed, field="here") == proposed


@given(st.integers(1, 10**11))
def test_prices_come_back(amount: int) -> None:
    """Each price in minor units, written as a decimal, is read as the same number."""
    assert checks.price(f"{amount // 100}.{amount % 100:02}", "EUR", field="here") == amount


@given(
    st.text("0123456789", min_size=7, max_size=13).filter(lambda body: len(body) in {7, 11, 12, 13} and body.strip("0"))
)
def test_one_check_digit_is_right(body: str) -> None:
    """Of the ten last digits that a number may have, exactly one makes it a GTIN."""
    right = 0
    for digit in "0123456789":
        with suppress(RowRefused):
            right += checks.gtin(body + digit, field="here") == body + digit
    assert right == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pq"), st.integers(1, 9)), max_size=12))
def test_gathering_loses_nothing(rows: list[tuple[str, str, int]]) -> None:
    """Every row is gathered, superseded by a later one, or refused; a SKU's last price counts."""
    text = "sku,product,price.EUR\n" + "".join(f"{sku},{product},{price}\n" for sku, product, price in rows)
    gathering = Gathering()
    for reading in Table(io.StringIO(text, newline=""), (), "uci").rows():
        gathering.add(reading)
    assert gathering.variants + gathering.superseded + gathering.refused_variants == len(rows)
    owners: dict[str, str] = {}
    prices: dict[str, int] = {}
    for sku, product, price in rows:
        if owners.setdefault(sku, product) == product:
            prices[sku] = price * 100
    gathered = {v.sku: (row.key, v.prices["EUR"]) for row in gathering.products.values() for v in row.variants}
    assert gathered == {sku: (owners[sku], prices[sku]) for sku in prices}
