"""Prices, dates and cookies as shoppers meet them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from nightmarket.entrypoints.pages.formats import Formats
from nightmarket.entrypoints.pages.words import language_of
from nightmarket.entrypoints.storefront.carts import CartCookie

AT = datetime(2026, 11, 11, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "amount", "currency", "shown"),
    [
        ("en", 123_450, "EUR", "€1,234.50"),
        ("de", 123_450, "EUR", "1.234,50\u00a0€"),
        ("it", 123_450, "EUR", "1.234,50\u00a0€"),
        ("zh", 123_450, "CNY", "¥1,234.50"),
        ("en", 1_200, "JPY", "¥1,200"),
        ("de", 1_200, "JPY", "1.200\u00a0¥"),
        ("de", 1_234, "KWD", "1,234\u00a0KWD"),
        ("en", 0, "EUR", "€0.00"),
    ],
)
def test_money_is_written_as_each_language_does(language: str, amount: int, currency: str, shown: str) -> None:
    """Minor units become a price with the decimals of the currency and the signs of the language."""
    assert Formats(language).money(amount, currency) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(1_100, "11\u00a0€"), (1_150, "11,50\u00a0€"), (0, "0\u00a0€"), (100_000, "1.000\u00a0€")]
)
def test_round_money_loses_only_zeros(amount: int, shown: str) -> None:
    """Where there is little room, decimals go only if they are zero."""
    assert Formats("de").round_money(amount, "EUR") == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "11 November 2026, 00:05 UTC"),
        ("de", "11. November 2026, 00:05 UTC"),
        ("it", "11 novembre 2026, 00:05 UTC"),
        ("zh", "2026年11月11日 00:05 UTC"),
    ],
)
def test_an_instant_names_its_zone(language: str, shown: str) -> None:
    """A deadline is said with day, time and zone."""
    assert Formats(language).instant(AT) == shown


def test_percent_keeps_the_decimals_it_needs() -> None:
    """Basis points become per cent without zeros that say nothing."""
    assert Formats("en").percent(1_000) == "10%"
    assert Formats("de").percent(1_250) == "12,5\u00a0%"


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("de-CH,fr;q=0.8", None, "de"),
        ("fr-FR,it;q=0.5", None, "it"),
        ("fr,es", None, "en"),
        ("", None, "en"),
        ("de", "zh", "zh"),
        ("de", "tlh", "de"),
        ("zh-Hant-TW", None, "zh"),
    ],
)
def test_language_follows_choice_then_browser(accepted: str, chosen: str | None, language: str) -> None:
    """What the reader chose counts; else the first language of the browser that we speak; else English."""
    assert language_of(accepted, chosen) == language


def test_cart_cookie_reads_what_it_wrote() -> None:
    """Number, id and units survive the way through the browser."""
    cookie = CartCookie(3, UUID(int=2**127 + 11), 42)
    assert CartCookie.read(cookie.written()) == cookie


@pytest.mark.parametrize(
    "text", ["", "1", "1-x-2", "-1-0-0", "1-" + "0" * 26 + "-x", "99999999-" + "0" * 26 + "-1", "ü"]
)
def test_foreign_cart_cookies_count_as_none(text: str) -> None:
    """A cookie that is not ours begins a new cart instead of breaking a page."""
    assert CartCookie.read(text) == CartCookie()
