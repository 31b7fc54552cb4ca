"""Addresses of lists: any address is read, and has one canonical form."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.discovery.contract import MAX_FACETS, MAX_FILTER_VALUES, PAGES
from nightmarket.entrypoints.storefront.search.asking import MAX_TEXT, address, is_canonical, read

NAMES = st.sampled_from(
    ["q", "category", "brand", "merchant", "a.colour", "a.none", "min", "max", "stock", "offer", "sort", "page", "x"]
)
VALUES = st.text(max_size=30) | st.sampled_from(
    [
        "1",
        "0",
        "12.50",
        "12,5",
        "-3",
        "1e9",
        "99999999999",
        "relevance",
        "cheapest",
        "newest",
        "wool",
        "é",
        "灯笼",
        "%",
        "+",
    ]
)
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=25).map(urlencode)
COLOURS = ("colour",)


@given(QUERIES)
def test_canonical_form_is_reached_in_one_step(query: str) -> None:
    """What is read from the canonical address is the same, and the address is its own canonical form."""
    asked = read(query.encode(), COLOURS)
    _, _, canonical = address("/goods", asked).partition("?")
    assert read(canonical.encode(), COLOURS) == asked
    assert is_canonical(canonical.encode(), asked)


@given(st.binary(max_size=300))
def test_any_bytes_are_read(query: bytes) -> None:
    """Nothing in an address fails: what is malformed is left out, and bounds hold."""
    asked = read(query, COLOURS)
    assert 1 <= asked.page <= PAGES
    assert len(asked.text) <= MAX_TEXT
    assert len(asked.terms) <= MAX_FACETS
    assert all(0 < len(values) <= MAX_FILTER_VALUES for values in asked.terms.values())
    filters = asked.filters(2)
    assert filters.least is None or filters.most is None or filters.least <= filters.most


@given(QUERIES)
def test_taking_all_away_leaves_the_words(query: str) -> None:
    """Each chip takes one value away; without all of them only words and order are left."""
    asked = read(query.encode(), COLOURS)
    bare = asked
    for facet, values in asked.terms.items():
        for value in values:
            bare = bare.without(facet, value)
    assert bare.terms == {}
    assert asked.without_filters().chosen == 0
    assert asked.without_filters().text == asked.text
