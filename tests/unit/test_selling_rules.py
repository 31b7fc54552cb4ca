"""Rules of the selling pages: percentages, prices changed by them, combinations of options, what is owed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from nightmarket.entrypoints.console.selling.fields import combine, put_rows, rows_of
from nightmarket.entrypoints.console.selling.repricing import basis_points, changed, plain_percent
from nightmarket.entrypoints.console.selling.sums import dues_of, sums_of
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import Contact, Destination, OrderBody, OrderLine, OrderRow, OrderState

AT = datetime(2026, 11, 11, 10, 30, tzinfo=UTC)
MIDNIGHT = AT.replace(hour=0, minute=0)


@pytest.mark.parametrize(("text", "points"), [("5", 500), ("-10", -1_000), ("2,5 %", 250), ("+0.25", 25), ("−3", -300)])
def test_percentages_as_people_write_them(text: str, points: int) -> None:
    """Comma or point, with or without the sign, a typographic minus: the same basis points."""
    assert plain_percent(text) == points


@pytest.mark.parametrize("text", ["", "ten", "1.234", "0", "-91", "1001", "1e3", "5 % off"])
def test_a_change_of_prices_is_bounded(text: str) -> None:
    """What is no percentage, is none at all or goes beyond the bounds is refused."""
    with pytest.raises(InvalidInput):
        basis_points(text)


def test_a_changed_price_is_rounded_once_and_never_nothing() -> None:
    """Half up to the currency's smallest unit; a cent stays a cent however much comes off."""
    assert changed({"EUR": 1_999, "JPY": 5, "USD": 1}, -1_000) == {"EUR": 1_799, "JPY": 5, "USD": 1}
    assert changed({"EUR": 50}, 100) == {"EUR": 51}


def test_combining_keeps_what_was_typed() -> None:
    """Rows that exist stay; each missing combination is added once, with the first row's prices and a SKU like it."""
    form = Form({"options-1-values": "amber | Bernstein\nwhite", "options-2-values": "S\nM"})
    put_rows(form, [{"sku": "LAMP-1", "option-1": "amber", "option-2": "S", "prices-EUR": "9.90"}])
    combine(form)
    rows = rows_of(form)
    assert [(row["sku"], row["option-1"], row["option-2"]) for row in rows] == [
        ("LAMP-1", "amber", "S"),
        ("LAMP-1-AMBER-M", "amber", "M"),
        ("LAMP-1-WHITE-S", "white", "S"),
        ("LAMP-1-WHITE-M", "white", "M"),
    ]
    assert {row["prices-EUR"] for row in rows} == {"9.90"}
    combine(form)
    assert rows_of(form) == rows


def _row(number: int, state: OrderState, total: int, quantity: int = 1) -> OrderRow:
    line = OrderLine("1", UUID(int=1), UUID(int=2), "LAMP", "Lamp", None, quantity, total // quantity, (), total)
    body = OrderBody(
        (line,), None, Contact("a@example.org", "A", "B"), Destination("DE", "x", "y", "1"), "en", (), (), 1
    )
    return OrderRow(UUID(int=number), UUID(int=9), UUID(int=8), state, 0, "testpay", "EUR", total, AT, None, body)


def test_figures_count_paid_orders() -> None:
    """Orders that wait are said beside, others are left out; the bars add up to the whole."""
    rows = [_row(1, OrderState.PAID, 1_000, 2), _row(2, OrderState.PENDING, 500), _row(3, OrderState.CANCELLED, 700)]
    [sums] = sums_of(rows, MIDNIGHT, timedelta(hours=1), 24)
    assert (sums.orders, sums.units, sums.revenue, sums.waiting) == (1, 2, 1_000, 1)
    assert sum(span.revenue for span in sums.spans) == 1_000
    assert sums.spans[10].revenue == 1_000
    assert [(one.sku, one.units) for one in sums.best] == [("LAMP", 2)]


def test_what_is_owed_is_the_journals_less_the_commission() -> None:
    """The commission is rounded once per order; orders that the journal owes nothing for count for nothing."""
    rows = [_row(1, OrderState.PAID, 999), _row(2, OrderState.PAID, 999), _row(3, OrderState.PENDING, 999)]
    [due] = dues_of(rows, {UUID(int=1): 999, UUID(int=2): 999, UUID(int=3): 999}, 750)
    assert (due.owed, due.commission, due.payout) == (1_998, 150, 1_848)
    assert dues_of(rows, {}, 750) == []
