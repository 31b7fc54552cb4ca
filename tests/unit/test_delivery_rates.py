"""An operator's own delivery rates, and a request that is known again."""

from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import Asked
from nightmarket.orders.model.session import MAX_MARKS, SessionBody
from nightmarket.orders.policies import delivery_table

MERCHANT = UUID(int=1)
TABLE = """[
  {"id": "post", "titles": {"en": "By post"}, "amounts": {"EUR": 490, "USD": 0}},
  {"id": "boat", "titles": {"en": "By boat"}, "amounts": {"EUR": 900}, "countries": ["IT"], "days": [1, 2]},
  {"id": "air", "titles": {"en": "By air"}, "amounts": {"EUR": 2000}, "not_countries": ["IT", "DE"]}
]"""


def test_rates_by_country_and_currency(tmp_path: Path) -> None:
    """A rate is offered where its currency and country are, in the order of the table."""
    file = tmp_path / "delivery.json"
    file.write_text(TABLE)
    table = delivery_table(file)

    def offered(country: str, currency: str) -> list[tuple[str, int]]:
        return [(one.id, one.amount) for one in table.options(MERCHANT, country, currency)]

    assert offered("IT", "EUR") == [("post", 490), ("boat", 900)]
    assert offered("DE", "EUR") == [("post", 490)]
    assert offered("JP", "EUR") == [("post", 490), ("air", 2000)]
    assert offered("JP", "USD") == [("post", 0)]
    assert offered("JP", "CNY") == []
    assert [one.id for one in delivery_table(tmp_path / "none.json").options(MERCHANT, "JP", "EUR")] == [
        "standard",
        "express",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '[{"id": "a", "titles": {"en": "A"}, "amounts": {"EUR": -1}}]',
        '[{"id": "", "titles": {"en": "A"}, "amounts": {}}]',
        '[{"id": "a", "titles": {}, "amounts": {}}]',
        '[{"id": "a", "titles": {"en": "A"}, "amounts": {}}, {"id": "a", "titles": {"en": "B"}, "amounts": {}}]',
        '[{"id": "a", "titles": {"en": "A"}, "amounts": {}, "price": 3}]',
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """A table with a fault stops the start and names its file, so that nobody sells at rates that nobody wrote."""
    file = tmp_path / "delivery.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=r"delivery\.json"):
        delivery_table(file)


def test_a_request_is_known_by_key_and_bytes() -> None:
    """The same key and bytes are the same request, the same key with other bytes is a conflict, another key is new, and
    what one operation was asked is nothing to another."""
    first = Asked.of("update", "k", b"{}")
    body = SessionBody("EUR", "en", marks=(first.mark,))
    assert body.wrote(Asked.of("update", "k", b"{}").mark) is True
    assert body.wrote(Asked.of("update", "k", b"{} ").mark) is None
    assert body.wrote(Asked.of("update", "l", b"{}").mark) is False
    assert body.wrote(Asked.of("cancel", "k", b"{}").mark) is False
    assert MAX_MARKS >= 1
