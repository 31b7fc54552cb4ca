"""What a single value must be to be taken, and what is said when it is not."""

from collections.abc import Callable

import pytest

from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model import bounds, checks
from nightmarket.catalog.model.checks import RowRefused


def refusal(check: Callable[..., object], *values: object, **options: object) -> RowRefused:
    with pytest.raises(RowRefused) as caught:
        check(*values, field="here", **options)
    assert caught.value.field.startswith("here")
    assert caught.value.reason.endswith(".")
    assert caught.value.mend.endswith(".")
    return caught.value


@pytest.mark.parametrize("sku", ["1", "85123A", "gift_0001_40", "BANK CHARGES", "a.b/c+d:e#f-g", "x" * bounds.MAX_SKU])
def test_sku_kept_letter_for_letter(sku: str) -> None:
    """A SKU of letters, digits, single spaces and common signs is kept as it is."""
    assert checks.sku(sku, field="here") == sku


@pytest.mark.parametrize(
    "sku", ["-1", " 1", "1 ", "a  b", "ä", "a\tb", "a\nb", "a\0b", "<b>", "'; --", "x" * (bounds.MAX_SKU + 1)]
)
def test_sku_refused(sku: str) -> None:
    """A SKU with other signs, outer or double spaces, or over the bound is refused."""
    assert refusal(checks.sku, sku).code is Reason.SKU_INVALID


def test_sku_missing() -> None:
    """An empty SKU is called missing."""
    assert refusal(checks.sku, "").code is Reason.SKU_MISSING


@pytest.mark.parametrize("gtin", ["96385074", "036000291452", "4006381333931", "10614141543219"])
def test_gtin_with_right_check_digit(gtin: str) -> None:
    """GTIN-8, -12, -13 and -14 with a right check digit are taken."""
    assert checks.gtin(gtin, field="here") == gtin


@pytest.mark.parametrize(
    ("gtin", "right"), [("96385075", 4), ("036000291453", 2), ("4006381333930", 1), ("10614141543210", 9)]
)
def test_gtin_with_wrong_check_digit(gtin: str, right: int) -> None:
    """A wrong check digit is refused, and the right one is named."""
    found = refusal(checks.gtin, gtin)
    assert found.code is Reason.GTIN_INVALID
    assert found.reason.endswith(f"instead of {right}.")


@pytest.mark.parametrize("gtin", ["1234567", "123456789", "12345678901234567", "40063813339X1", "٤٠٠٦٣٨١٣", "4.0E+12"])
def test_gtin_of_wrong_shape(gtin: str) -> None:
    """Other lengths, letters and digits of other scripts are no GTIN; a spreadsheet's rounding gets its own hint."""
    found = refusal(checks.gtin, gtin)
    assert found.code is Reason.GTIN_INVALID
    assert ("spreadsheet" in found.mend) == ("E+" in gtin)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("39.90", "EUR", 3990), ("40.000", "USD", 4000), (" 5 ", "EUR", 500), ("1200", "JPY", 1200), ("0.001", "KWD", 1)],
)
def test_price_in_minor_units(text: str, currency: str, amount: int) -> None:
    """A price becomes whole minor units of its currency."""
    assert checks.price(text, currency, field="here") == amount


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("0", "EUR", Reason.PRICE_ZERO),
        ("0.00", "EUR", Reason.PRICE_ZERO),
        ("-1.00", "EUR", Reason.PRICE_NEGATIVE),
        ("−1.00", "EUR", Reason.PRICE_NEGATIVE),
        ("19.999", "EUR", Reason.PRICE_INVALID),
        ("19.5", "JPY", Reason.PRICE_INVALID),
        ("39,90", "EUR", Reason.PRICE_INVALID),
        ("1_000", "EUR", Reason.PRICE_INVALID),
        ("1e3", "EUR", Reason.PRICE_INVALID),
        ("NaN", "EUR", Reason.PRICE_INVALID),
        ("€5", "EUR", Reason.PRICE_INVALID),
        ("٥", "EUR", Reason.PRICE_INVALID),
        ("", "EUR", Reason.PRICE_INVALID),
        ("1000000000.01", "EUR", Reason.PRICE_ABSURD),
        ("9999999999999999", "EUR", Reason.PRICE_ABSURD),
        ("5", "EURO", Reason.CURRENCY_UNKNOWN),
        ("5", "eur", Reason.CURRENCY_UNKNOWN),
        ("5", "QQQ", Reason.CURRENCY_UNKNOWN),
    ],
)
def test_price_refused(text: str, currency: str, code: Reason) -> None:
    """Zero, negative, absurd and unreadable prices, wrong decimals and unknown currencies are refused by name."""
    assert refusal(checks.price, text, currency).code is code


@pytest.mark.parametrize(("text", "units"), [("0", 0), ("120", 120), (str(bounds.MAX_COUNTED), bounds.MAX_COUNTED)])
def test_stock_counted(text: str, units: int) -> None:
    """Whole units from zero to the bound are taken."""
    assert checks.counted(text, field="here") == units


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-1", Reason.STOCK_NEGATIVE),
        ("12.5", Reason.STOCK_INVALID),
        ("1,200", Reason.STOCK_INVALID),
        ("many", Reason.STOCK_INVALID),
        ("1e3", Reason.STOCK_INVALID),
        (str(bounds.MAX_COUNTED + 1), Reason.STOCK_ABSURD),
    ],
)
def test_stock_refused(text: str, code: Reason) -> None:
    """Negative, broken and absurd numbers of units are refused."""
    assert refusal(checks.counted, text).code is code


def test_text_keeps_markup_as_text() -> None:
    """Script and HTML stay what they are, plain text that is escaped where it is shown; nothing is cut out of it."""
    markup = "<script>alert('x')</script> & <b onclick=\"y\">bold</b>"
    assert checks.text(f"  {markup} ", field="here", limit=200) == markup


def test_text_is_normalised() -> None:
    """Letters built of several code points become the one that is meant (NFC); line ends become one kind."""
    assert checks.text("Cafe\u0301", field="here", limit=10) == "Caf\u00e9"
    assert checks.text("a\r\nb\rc\td", field="here", limit=10, lines=True) == "a\nb\nc\td"


@pytest.mark.parametrize(
    "sign", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u2028", "\ufeff", "\ud800"]
)
def test_text_without_control_characters(sign: str) -> None:
    """Control characters, bidirectional overrides and halves of characters are refused, and named by number."""
    found = refusal(checks.text, f"wok{sign}pan", limit=200, lines=True)
    assert found.code is Reason.TEXT_CONTROL
    assert f"U+{ord(sign):04X}" in found.reason
    assert found.reason.isprintable()


def test_title_in_one_line() -> None:
    """A new line is refused where text is one line."""
    assert refusal(checks.text, "a\nb", limit=200).code is Reason.TEXT_CONTROL


def test_joined_emoji_stay() -> None:
    """Joiners inside emoji and scripts are no control characters."""
    family = "👩\u200d👩\u200d👧 ن\u200cم"
    assert checks.text(family, field="here", limit=200) == family


@pytest.mark.parametrize("length", [11, 500_000])
def test_text_too_long(length: int) -> None:
    """More letters than fit are refused, with both numbers."""
    found = refusal(checks.text, "x" * length, limit=10)
    assert found.code is Reason.TEXT_TOO_LONG
    assert "10" in found.reason


def test_language_unknown() -> None:
    """Only the languages of the house are taken, and they are named."""
    found = refusal(checks.texts, {"en": "Wok", "xx": "Wok"}, limit=10)
    assert found.code is Reason.LANGUAGE_UNKNOWN
    assert "en, de, it, zh" in found.mend


@pytest.mark.parametrize("slug", ["a", "cast-iron-wok", "85123a", "x" * bounds.MAX_SLUG])
def test_slug_taken(slug: str) -> None:
    """Small letters, digits and single inner hyphens make a slug."""
    assert checks.slug(slug, field="here") == slug


@pytest.mark.parametrize(
    "slug", ["", "-a", "a-", "a--b", "A", "a b", "ä", "a/b", "..", "a\n", "x" * (bounds.MAX_SLUG + 1)]
)
def test_slug_refused(slug: str) -> None:
    """Anything else is refused, with a proposal where there is one."""
    assert refusal(checks.slug, slug).code is Reason.SLUG_INVALID


def test_slug_proposed() -> None:
    """The refusal proposes the slug that resembles what was written."""
    assert "'strassen-cafe-and-more'" in refusal(checks.slug, "Straßen-Café & More").mend


def test_highlights_bounded() -> None:
    """More highlights than fit are refused."""
    assert refusal(checks.highlights, ["x"] * (bounds.MAX_HIGHLIGHTS + 1)).code is Reason.TOO_MANY


@pytest.mark.parametrize(("text", "value"), [("Yes", True), ("1", True), ("nein", False), ("FALSE", False)])
def test_switch(text: str, value: bool) -> None:
    """Yes and no are understood in the shop's languages."""
    assert checks.yes_or_no(text, field="here") is value


def test_switch_refused() -> None:
    """Anything else is neither."""
    assert refusal(checks.yes_or_no, "perhaps").code is Reason.VALUE_INVALID


def test_messages_are_harmless() -> None:
    """What is quoted in a message is short and shows no control characters."""
    assert len(checks.excerpt("x" * 500)) == checks.EXCERPT
    assert checks.excerpt("a\x1b[31m\u202eb").isprintable()
