"""What a single value must be. Each check returns the value as it is kept, or raises `RowRefused` with the way out."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from nightmarket.catalog.contract import Texts
from nightmarket.catalog.errors import Reason
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import known_currency, minor_digits, parse_amount
from nightmarket.kernel.problems import InvalidInput

from . import bounds
from .identifiers import NotANumber, trade_number

EXCERPT = 40


class RowRefused(Exception):
    """One value that is not taken, in words for the person who wrote the file."""

    def __init__(self, field: str, code: Reason, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.field = field
        self.code = code
        self.reason = reason
        self.mend = mend


def excerpt(value: object) -> str:
    """A value as it may stand in a message: quoted, harmless and short."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"


def printable(text: str) -> str:
    """Text from a file as it may stand in a message or a terminal: signs that nobody can see become visible."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def at_most(amount: int, limit: int, field: str, what: str) -> None:
    """Refuse more than a bound."""
    if amount > limit:
        raise RowRefused(field, Reason.TOO_MANY, f"{amount} {what}; at most {limit} are taken.", "Leave some out.")


_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE = re.compile("[\t\n]")


def text(value: str, *, field: str, limit: int, lines: bool = False) -> str:
    """Plain text: outer white space trimmed, in NFC, nothing else touched. With `lines`, tabs and line ends stay.

    HTML is text like any other here; it is escaped where it is shown.
    """
    value = value.strip()
    if len(value) > limit * 2:
        raise RowRefused(field, Reason.TEXT_TOO_LONG, f"{len(value)} letters; at most {limit} fit.", "Shorten it.")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if lines and "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if len(value) > limit:
        raise RowRefused(field, Reason.TEXT_TOO_LONG, f"{len(value)} letters; at most {limit} fit.", "Shorten it.")
    found = _CONTROL.search(value) or (None if lines else _LINE.search(value))
    if found:
        raise RowRefused(
            field,
            Reason.TEXT_CONTROL,
            f"There is a control character (U+{ord(found[0]):04X}) after {excerpt(value[: found.start()][-20:])}.",
            "Remove it; if many rows have it, the file was saved in another encoding than the one named.",
        )
    return value


def texts(values: Mapping[str, str], *, field: str, limit: int, lines: bool = False) -> Texts:
    """One text per language; empty ones are left out."""
    kept: Texts = {}
    for language, given in values.items():
        check_language(language, field=field)
        value = text(given, field=f"{field}.{language}", limit=limit, lines=lines)
        if value:
            kept[language] = value
    return kept


def check_language(code: str, *, field: str) -> None:
    """Refuse languages that the house does not speak."""
    if code not in LANGUAGES:
        raise RowRefused(
            f"{field}.{code}"[:100],
            Reason.LANGUAGE_UNKNOWN,
            f"{excerpt(code)} is not a language of this shop.",
            f"Use one of {', '.join(LANGUAGES)}.",
        )


_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


def slug(value: str, *, field: str) -> str:
    """A name for addresses: small letters, digits, single hyphens inside."""
    if len(value) <= bounds.MAX_SLUG and _SLUG.match(value):
        return value
    proposal = make_slug(value)
    raise RowRefused(
        field,
        Reason.SLUG_INVALID,
        f"{excerpt(value)} cannot stand in an address.",
        f"Use small letters, digits and hyphens, at most {bounds.MAX_SLUG}"
        + (f", such as {proposal!r}." if proposal else "."),
    )


_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_FOLDED = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "&": " and "})


def make_slug(value: str) -> str:
    """A slug that resembles the text; empty where there is no letter of the Latin alphabet in it."""
    value = value[: bounds.MAX_SLUG * 2].lower()
    if not value.isascii() or "&" in value:
        value = value.translate(_FOLDED)
        value = "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
    return _NOT_SLUG.sub("-", value).strip("-")[: bounds.MAX_SLUG].strip("-")


_SKU = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/+:#-]| (?! )){0,63}\Z")


def sku(value: str, *, field: str, code: Reason = Reason.SKU_INVALID) -> str:
    """A merchant's own number for a thing. Small and capital letters differ."""
    if len(value) <= bounds.MAX_SKU and _SKU.match(value) and value[-1] != " ":
        return value
    if not value:
        raise RowRefused(field, Reason.SKU_MISSING, "There is no SKU.", "Give each variant a number of its own.")
    raise RowRefused(
        field,
        code,
        f"{excerpt(value)} is not a number we can keep.",
        f"Use at most {bounds.MAX_SKU} letters (A-Z, a-z), digits, single spaces and . _ / + : # -, "
        "with a letter or digit first.",
    )


def gtin(value: str, *, field: str) -> str:
    """A GTIN-8, -12, -13 or -14 whose check digit is right; an ISBN or ISSN becomes its GTIN-13."""
    try:
        return trade_number(value)
    except NotANumber as fault:
        if fault.right is not None:
            raise RowRefused(
                field,
                Reason.GTIN_INVALID,
                f"The check digit of {excerpt(value)} is wrong: {value.strip()[-1]} instead of {fault.right}.",
                "Read the digits under the barcode again; one of them differs.",
            ) from fault
    hint = " A spreadsheet has rounded it: format the column as text." if "E+" in value.upper() else ""
    raise RowRefused(
        field,
        Reason.GTIN_INVALID,
        f"{excerpt(value)} is not a GTIN.",
        f"Give the 8, 12, 13 or 14 digits under the barcode (or an ISBN or ISSN), or leave it empty.{hint}",
    )


_AMOUNT = re.compile(r"[0-9]{1,16}(?:\.[0-9]+)?\Z")


def price(value: str, currency: str, *, field: str) -> int:
    """Minor units of a price, more than zero."""
    if not known_currency(currency):
        raise RowRefused(
            field,
            Reason.CURRENCY_UNKNOWN,
            f"{excerpt(currency)} is not a currency.",
            "Use its ISO 4217 code, such as EUR.",
        )
    value = value.strip()
    if not _AMOUNT.match(value):
        if value.startswith(("-", "−")):
            raise RowRefused(
                field, Reason.PRICE_NEGATIVE, f"{excerpt(value)} is below zero.", "Give what a buyer pays."
            )
        raise RowRefused(
            field,
            Reason.PRICE_INVALID,
            f"{excerpt(value)} is not an amount.",
            "Write digits with a point, such as 1299.90, without currency sign and thousands separators.",
        )
    try:
        amount = parse_amount(value, currency, field=field)
    except InvalidInput as problem:
        digits = minor_digits(currency)
        code = Reason.PRICE_INVALID if "decimals" in problem.detail else Reason.PRICE_ABSURD
        raise RowRefused(field, code, problem.detail, f"{currency} has {digits} digits after the point.") from None
    if amount == 0:
        raise RowRefused(
            field,
            Reason.PRICE_ZERO,
            "The price is zero, and nothing is sold for nothing.",
            "Give a price, or leave the article out; gifts are made with offers.",
        )
    if amount > bounds.MAX_PRICE:
        raise RowRefused(
            field,
            Reason.PRICE_ABSURD,
            f"{excerpt(value)} {currency} is beyond belief.",
            "Check for a slip of the keyboard.",
        )
    return amount


_WHOLE = re.compile(r"[0-9]{1,18}\Z")


def counted(value: str, *, field: str) -> int:
    """Units on hand, as text from a table."""
    if _WHOLE.match(value):
        return counted_number(int(value), field=field)
    if re.match(r"[-−][0-9]", value):
        raise RowRefused(
            field, Reason.STOCK_NEGATIVE, f"{excerpt(value)} units cannot be.", "Give 0 when none is left."
        )
    raise RowRefused(
        field,
        Reason.STOCK_INVALID,
        f"{excerpt(value)} is not a whole number of units.",
        "Write digits only, such as 120.",
    )


def counted_number(value: int, *, field: str) -> int:
    """Units on hand."""
    if value < 0:
        raise RowRefused(field, Reason.STOCK_NEGATIVE, f"{value} units cannot be.", "Give 0 when none is left.")
    if value > bounds.MAX_COUNTED:
        raise RowRefused(
            field,
            Reason.STOCK_ABSURD,
            f"{value} units are beyond belief.",
            f"At most {bounds.MAX_COUNTED} fit a place.",
        )
    return value


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")


def name(value: str, *, field: str) -> str:
    """The name of an option or attribute, such as `size`."""
    if _NAME.match(value):
        return value
    raise RowRefused(
        field,
        Reason.KEY_INVALID,
        f"{excerpt(value)} is not a name for an option or attribute.",
        "Use up to 40 letters, digits, hyphens and underscores, with a letter first.",
    )


def highlights(values: Sequence[str], *, field: str) -> tuple[str, ...]:
    """Short points in its favour."""
    at_most(len(values), bounds.MAX_HIGHLIGHTS, field, "highlights")
    kept = (text(value, field=f"{field}[{i}]", limit=bounds.MAX_HIGHLIGHT) for i, value in enumerate(values))
    return tuple(value for value in kept if value)


_TRUE = frozenset({"1", "true", "yes", "y", "ja", "si", "sì", "是"})
_FALSE = frozenset({"0", "false", "no", "n", "nein", "否"})


def yes_or_no(value: str, *, field: str) -> bool:
    """A switch in a table."""
    folded = value.casefold()
    if folded in _TRUE or folded in _FALSE:
        return folded in _TRUE
    raise RowRefused(field, Reason.VALUE_INVALID, f"{excerpt(value)} is neither yes nor no.", "Write yes or no.")
