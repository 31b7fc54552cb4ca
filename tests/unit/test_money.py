"""Money by example: what is read, rounded, shared and refused."""

from decimal import Decimal

import pytest

from nightmarket.kernel.money import (
    MAX_AMOUNT,
    Money,
    Rounding,
    allocate,
    known_currency,
    minor_digits,
    parse_amount,
    share_of,
)
from nightmarket.kernel.problems import InvalidInput


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.90", "EUR", 1990),
        ("19.9", "EUR", 1990),
        ("19", "EUR", 1900),
        ("0", "EUR", 0),
        (".5", "EUR", 50),
        ("5.", "EUR", 500),
        (" 007.10 ", "EUR", 710),
        ("19.900", "EUR", 1990),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1.5", "IQD", 1500),
        ("10000000000000.00", "EUR", MAX_AMOUNT),
    ],
)
def test_reads(text: str, currency: str, minor: int) -> None:
    """A plain decimal becomes exactly its minor units, by the digits that ISO 4217 gives the currency."""
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "-1",
        "-0",
        "+5",
        "1,50",
        "1'000",
        "1 000",
        "1_000",
        "1e3",
        "0x10",
        "NaN",
        "sNaN",
        "Infinity",
        "１９",
        "٣",
        "1.2.3",
        "19.90€",
        "19.901",
        "1.00000000000000000000000000000000000001",
        "10000000000000.01",
        "9" * 5_000,
        "9" * 5_000 + ".5" + "0" * 5_000,
        "0." + "0" * 5_000 + "1",
    ],
)
def test_refuses_amounts(text: str) -> None:
    """What is not a plain amount of the currency is refused by name of its field, briefly, never guessed or rounded."""
    with pytest.raises(InvalidInput) as refused:
        parse_amount(text, "EUR", field="price_eur")
    assert refused.value.field == "price_eur"
    assert len(refused.value.detail) < 120


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XQX", "ÄÖÜ", "€", "E" * 5_000])
def test_refuses_currencies(code: str) -> None:
    """A code that is no currency is refused before the amount is looked at, and never shown at length."""
    assert not known_currency(code)
    with pytest.raises(InvalidInput, match="ISO 4217") as refused:
        parse_amount("1", code)
    assert len(refused.value.detail) < 120


def test_digits_follow_iso() -> None:
    """Minor units are those of ISO 4217, which providers and UCP count in, also where CLDR shows fewer digits."""
    assert {code: minor_digits(code) for code in ("EUR", "CNY", "JPY", "KWD", "CLF", "IQD", "RSD", "MMK")} == {
        "EUR": 2,
        "CNY": 2,
        "JPY": 0,
        "KWD": 3,
        "CLF": 4,
        "IQD": 3,
        "RSD": 2,
        "MMK": 2,
    }


@pytest.mark.parametrize(
    ("mode", "shares"),
    [
        (Rounding.DOWN, [0, 0, 1, 2]),
        (Rounding.UP, [1, 1, 2, 3]),
        (Rounding.HALF_UP, [0, 1, 2, 3]),
        (Rounding.HALF_EVEN, [0, 0, 2, 2]),
    ],
)
def test_rounds_by_name(mode: Rounding, shares: list[int]) -> None:
    """0.49, 0.50, 1.50 and 2.50 cents become what the mode's name says."""
    assert [share_of(1, 4_900, mode), *(share_of(amount, 5_000, mode) for amount in (1, 3, 5))] == shares


def test_shares_ties_go_first() -> None:
    """Where remainders are equal the earlier line gets the cent, so that a quote is the same on every machine."""
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(0, []) == []
    assert allocate(0, [0, 0]) == [0, 0]


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [-1, 3]), (1, []), (1, [0, 0])])
def test_refuses_senseless_shares(total: int, weights: list[int]) -> None:
    """A total that cannot be shared raises, instead of losing or making money."""
    with pytest.raises(ValueError):
        allocate(total, weights)


def test_currencies_do_not_mix() -> None:
    """Adding, taking away or comparing across currencies never yields a number."""
    euro, yen = Money("EUR", 100), Money("JPY", 100)
    assert euro + Money("EUR", 5) - Money("EUR", 3) == Money("EUR", 102)
    assert -euro * 2 == Money("EUR", -200)
    for operation in (lambda: euro + yen, lambda: euro - yen):
        with pytest.raises(ValueError, match="EUR and JPY"):
            operation()


def test_largest_amount_survives_json() -> None:
    """The largest amount is exact in readers that know only doubles."""
    assert int(float(MAX_AMOUNT)) == MAX_AMOUNT < 2**53
    assert Decimal(MAX_AMOUNT) == MAX_AMOUNT
