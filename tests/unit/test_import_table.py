"""Tables are read as a stream; a broken row is refused by its line, and the next ones are read."""

import io
from itertools import islice

import pytest

from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.catalog.handlers.import_csv import MAX_REPAIRS, sniff_delimiter
from nightmarket.catalog.handlers.import_lines import MAX_ROW_LETTERS, JsonLines
from nightmarket.catalog.handlers.import_table import Table
from nightmarket.catalog.model.gathering import Gathering
from nightmarket.catalog.model.rows import Reading

HEADER = "sku,product,title.en,price.EUR,stock.main\n"


def table(text: str, *columns: str) -> Table:
    return Table(io.StringIO(text, newline=""), columns, "uci")


def skus(readings: list[Reading]) -> list[str]:
    return [variant.sku for reading in readings if reading.product for variant in reading.product.variants]


def refusals(readings: list[Reading]) -> list[tuple[int, Reason]]:
    return [(remark.line, remark.code) for reading in readings for remark in reading.remarks]


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("a,b", ","), ("a;b;c,d", ";"), ("a\tb", "\t"), ("a|b", "|"), ('"a,b,c";d', ";"), ("a", ",")],
)
def test_delimiter_from_header(line: str, delimiter: str) -> None:
    """The delimiter is the one that stands most often in the header, outside quotes."""
    assert sniff_delimiter(line) == delimiter


def test_rows_with_every_line_end() -> None:
    """Line ends of all three kinds, quoted new lines and blank lines keep the line numbers right."""
    text = HEADER + 'a,p,"Wok\r\n",1,1\r\n\r\nb,p,Pan,1,1\rc,p,Pot,x,1\n'
    readings = list(table(text).rows())
    assert skus(readings) == ["a", "b"]
    assert refusals(readings)[-1] == (6, Reason.PRICE_INVALID)


def test_fields_of_a_row() -> None:
    """Each cell means what the map says; an empty cell says nothing."""
    text = "Code;Name;Preis;Bild;Farbe;An\nA1;Wok;5.00;a.jpg | b.jpg;red;no\nA2;;;;;\n"
    columns = ("sku=Code", "title.de=Name", "price.EUR=Preis", "image=Bild", "option.colour=Farbe", "for_sale=An")
    first, second = [reading.product for reading in table(text, *columns, "category==Home & Garden").rows()]
    assert first is not None
    assert second is not None
    assert (first.key, first.slug, first.category) == ("A1", "wok-a1", "home-and-garden")
    [variant] = first.variants
    assert variant.prices == {"EUR": 500}
    assert variant.options == {"colour": {"en": "red"}}
    assert variant.pictures is not None
    assert [picture.file for picture in variant.pictures] == ["a.jpg", "b.jpg"]
    assert variant.for_sale is False
    assert second.variants[0].prices == {}
    assert second.texts == {}
    assert second.variants[0].options is None


def test_faults_name_the_column() -> None:
    """A refusal names the line, the column as the file calls it, the product and the SKU."""
    [reading] = table("Code,Preis\nA1,39 EUR\n", "sku=Code", "price.EUR=Preis").rows()
    [remark] = reading.remarks
    assert (remark.line, remark.field, remark.code) == (2, "Preis", Reason.PRICE_INVALID)
    assert (remark.product, remark.sku) == ("A1", "A1")
    assert reading.refused_variants == 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("a,p,Wok,1", Reason.CELLS_WRONG),
        ("a,p,Wok,1,1,1", Reason.CELLS_WRONG),
        (",p,Wok,1,1", Reason.SKU_MISSING),
        ("a,ä,Wok,1,1", Reason.KEY_INVALID),
        ("a,p,Wok,-1,1", Reason.PRICE_NEGATIVE),
        ("a,p,Wok,1,1.5", Reason.STOCK_INVALID),
        ("a,p,W\0k,1,1", Reason.TEXT_CONTROL),
        (f"a,p,{'x' * 201},1,1", Reason.TEXT_TOO_LONG),
        ('a,p,"Wok" 28,1,1', Reason.QUOTES_WRONG),
        ('a,p,"Wok,1,1', Reason.QUOTES_WRONG),
        (f"a,p,{'x' * 140_000},1,1", Reason.ROW_TOO_LONG),
        (f"a,p,{'x' * (MAX_ROW_LETTERS + 5)},1,1", Reason.ROW_TOO_LONG),
    ],
)
def test_bad_row_between_good_ones(row: str, code: Reason) -> None:
    """Whatever is wrong with a row, it alone is refused, and the ones after it are read."""
    readings = list(table(f"{HEADER}first,p,Wok,1,1\n{row}\nlast,p,Wok,1,1\n").rows())
    assert skus(readings) == ["first", "last"]
    assert refusals(readings) == [(3, code)]


def test_open_quotes_are_repaired_a_bounded_number_of_times() -> None:
    """A file of open quotes is read to its end; after some repairs a broken row takes its further lines with it."""
    lines = 5_000
    readings = list(table(HEADER + 'a,p,"Wok,1,1\n' * lines).rows())
    assert skus(readings) == []
    assert {code for _, code in refusals(readings)} == {Reason.QUOTES_WRONG}
    assert len(readings) == MAX_REPAIRS + (lines - MAX_REPAIRS) // 2
    assert refusals(readings)[-1][0] == lines


def test_rows_come_one_by_one() -> None:
    """Reading is a stream: the first rows are there before the rest has been read."""
    text = HEADER + "".join(f"s{i},p,Wok,1,1\n" for i in range(10_000))
    rows = table(text)
    assert skus(list(islice(rows.rows(), 3))) == ["s0", "s1", "s2"]
    assert rows.line == 4


def test_header_that_is_none() -> None:
    """A table whose first row cannot be a header is refused as a file."""
    with pytest.raises(ColumnMapWrong):
        table('"' + "x" * (MAX_ROW_LETTERS + 5))
    with pytest.raises(ColumnMapWrong):
        table("1,2,3\n4,5,6\n")


def gather(text: str) -> Gathering:
    gathering = Gathering()
    for reading in table(text).rows():
        gathering.add(reading)
    return gathering


def test_rows_of_one_product_join() -> None:
    """Rows with equal `product` are one product with several variants; later words win, empty cells say nothing."""
    gathering = gather(f"{HEADER}a,p,Wok,1,1\nb,p,,2,1\nx,q,Pot,1,1\nc,p,Big wok,3,1\n")
    first, second = gathering.products.values()
    assert [variant.sku for variant in first.variants] == ["a", "b", "c"]
    assert first.texts["en"].title == "Big wok"
    assert second.key == "q"
    assert gathering.variants == 4


def test_latest_row_wins() -> None:
    """Of several rows for one SKU the last one counts, field by field."""
    gathering = gather(f"{HEADER}a,p,Wok,1,10\na,p,,2,\n")
    [row] = gathering.products.values()
    [variant] = row.variants
    assert variant.prices == {"EUR": 200}
    assert variant.stock == {"main": 10}
    assert variant.line == 3
    assert gathering.superseded == 1


def test_sku_in_two_products() -> None:
    """A SKU belongs to one product; the row that claims it for another is refused."""
    gathering = gather(f"{HEADER}a,p,Wok,1,1\na,q,Pan,1,1\n")
    assert [row.key for row in gathering.products.values()] == ["p"]
    assert [(remark.line, remark.code) for remark in gathering.remarks] == [(3, Reason.SKU_TAKEN)]
    assert gathering.refused_variants == 1


def test_json_lines_keep_their_numbers() -> None:
    """Blank lines count, a line over the bound is refused alone, and the last line needs no end."""
    text = '\n{"a":1}\n  \n' + "x" * (MAX_ROW_LETTERS + 5) + "\n{}"
    readings = list(JsonLines(io.StringIO(text, newline=""), "uci").rows())
    assert [(line, code) for line, code in refusals(readings)] == [
        (2, Reason.FIELD_UNKNOWN),
        (4, Reason.ROW_TOO_LONG),
        (5, Reason.FIELD_MISSING),
    ]
