"""Which column means what: said in a map, or proposed from the header."""

import pytest

from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.catalog.model import bounds
from nightmarket.catalog.model.columns import map_columns, read_map
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.proposing import headings, propose, propose_columns

UCI = ["InvoiceNo", "StockCode", "Description", "Quantity", "UnitPrice", "Country"]
MAP = ("sku=StockCode", "title.en=Description", "price.GBP=UnitPrice", "stock.main=Quantity", "category==homeware")


def test_map_in_words() -> None:
    """A map names columns by their header and constants by two equals signs; other columns are unknown."""
    columns = read_map((*MAP, "merchant==uci"), UCI)
    found = {(column.kind, column.key): column.constant or UCI[column.index] for column in columns.columns}
    assert found == {
        ("sku", ""): "StockCode",
        ("title", "en"): "Description",
        ("price", "GBP"): "UnitPrice",
        ("stock", "main"): "Quantity",
        ("category", ""): "homeware",
        ("merchant", ""): "uci",
    }
    assert columns.unknown == ("InvoiceNo", "Country")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("sku", "price.EUR=Price"),
        ("sku=Stockcode", "Did you mean 'StockCode'"),
        ("sku=Nothing", "InvoiceNo, StockCode"),
        ("weight=Quantity", "nothing that can be imported"),
        ("price=UnitPrice", "needs a currency"),
        ("price.EURO=UnitPrice", "needs a currency"),
        ("title.fr=Description", "none of the languages"),
        ("option.a b=Country", "nothing that can be imported"),
    ],
)
def test_map_refused(entry: str, says: str) -> None:
    """An entry that means nothing is refused with what there is instead."""
    with pytest.raises(ColumnMapWrong, match=says):
        read_map([entry], UCI)


def test_column_named_twice() -> None:
    """Two columns of one name cannot be told apart, and one meaning cannot have two columns."""
    with pytest.raises(ColumnMapWrong, match="rename"):
        read_map(["sku=a"], ["a", "a"])
    with pytest.raises(ColumnMapWrong, match="mapped twice"):
        read_map(["sku=a", "sku=b"], ["a", "b"])


def test_proposal_from_header() -> None:
    """Names in the shop's languages, with language and currency in them, are understood."""
    header = [
        "Artikelnummer",
        "EAN",
        "Titel (de)",
        "Name",
        "Price EUR",
        "price_usd",
        "Bestand",
        "Marke",
        "尺码",
        "Extra",
    ]
    assert propose(header) == (
        *("sku=Artikelnummer", "gtin=EAN", "title.de=Titel (de)", "title.en=Name", "price.EUR=Price EUR"),
        *("price.USD=price_usd", "stock.main=Bestand", "brand=Marke", "option.size=尺码"),
    )


def test_proposal_takes_our_own_names() -> None:
    """A header in the map's own words needs no map."""
    header = ["sku", "product", "title.en", "price.EUR", "stock.hall-2", "option.size", "attribute.material"]
    assert propose(header) == tuple(f"{name}={name}" for name in header)


def test_description_is_the_title_where_there_is_none() -> None:
    """A table with a description only has its titles there."""
    assert "title.en=Description" in propose(["SKU", "Description", "Price EUR"])
    assert "description.en=Description" in propose(["SKU", "Name", "Description", "Price EUR"])


def test_price_without_currency() -> None:
    """A price whose currency nobody said is asked for, with the rest of the map ready to be copied."""
    with pytest.raises(ColumnMapWrong) as caught:
        propose(UCI)
    assert "--map 'price.EUR=UnitPrice' --map 'sku=StockCode'" in caught.value.detail


def test_needs_sku_and_merchant() -> None:
    """A map without SKU or merchant could never import a row, so the file is refused at once."""
    with pytest.raises(ColumnMapWrong, match="SKU"):
        map_columns(("title.en=Description",), UCI, "uci")
    with pytest.raises(ColumnMapWrong, match="--merchant"):
        map_columns(MAP, UCI, None)
    assert map_columns(MAP, UCI, "uci").has("sku")


def test_too_many_columns() -> None:
    """The number of columns is bounded."""
    with pytest.raises(ColumnMapWrong, match="at most"):
        map_columns(MAP, [f"c{i}" for i in range(bounds.MAX_COLUMNS + 1)], "uci")


def test_proposal_from_cells() -> None:
    """Columns whose names say nothing are proposed by what stands in them, less surely than by name."""
    rows = [["4006381333931", f"A-{i}", "12.50", f"{i}", "A > B", f"A lamp of paper {i}"] for i in range(20)]
    found = propose_columns(["c1", "c2", "c3", "c4", "c5", "Name"], rows, Assumed("EUR"))
    assert [(column.target, column.confidence) for column in found] == [
        *(("gtin", 0.8), ("sku", 0.5), ("price.EUR", 0.6), ("stock.main", 0.4), ("category", 0.6), ("title.en", 0.9)),
    ]
    assert found[1].samples == ("A-0", "A-1", "A-2")


def test_header_or_data() -> None:
    """A first row that is data makes numbered columns; one that may be a header is one."""
    assert headings(["Book", "9781416507789", "9.99"]) == ["#1", "#2", "#3"]
    assert headings(["Title", "9781416507789", "9.99"]) is None
    assert headings(["a", "b", "3"]) is None
