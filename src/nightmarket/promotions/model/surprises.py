"""A surprise price: fixed and committed to beforehand, shown in part, revealed at its instant. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.money import decimal_of, known_currency
from nightmarket.kernel.problems import InvalidInput

from .rules import Flaw

SURPRISE, VARIANT = "spr", "var"
"""Prefixes of the ids outside."""

HEAD = "nightmarket-surprise 1"
HIDDEN = "?"
SALT_BYTES = 32
MAX_VARIANTS = 50
LONGEST = timedelta(days=90)
MEMBERS = ("surprise", "variants", "currency", "price", "reveals", "salt")


class SurpriseState(StrEnum):
    """sealed -> early (only for those who booked) -> revealed; or withdrawn, which reveals it too."""

    SEALED = "sealed"
    EARLY = "early"
    REVEALED = "revealed"
    WITHDRAWN = "withdrawn"


class SurpriseTerms(msgspec.Struct, frozen=True):
    """What a merchant fixes: the price in minor units, which digits of it are shown (`mask`), and when it is told."""

    merchant: UUID
    product: UUID
    variants: tuple[UUID, ...]
    currency: str
    price: int
    mask: str
    early_at: datetime
    reveal_at: datetime
    ends_at: datetime


class Surprise(msgspec.Struct, frozen=True):
    """A surprise price as it stands. Price and salt are secret until it is revealed."""

    id: UUID
    terms: SurpriseTerms
    salt: bytes
    commitment: bytes
    state: SurpriseState
    made_at: datetime
    made_by: str

    @property
    def is_revealed(self) -> bool:
        return self.state in (SurpriseState.REVEALED, SurpriseState.WITHDRAWN)


class SurpriseReport(msgspec.Struct, frozen=True):
    """What a check of a revealed price found."""

    holds: bool
    commitment: str
    price: int
    currency: str
    reveals: str


def plain_price(amount: int, currency: str) -> str:
    """The price in figures with a point, such as 12.90: what a mask is laid over."""
    return f"{decimal_of(amount, currency):f}"


def opening(id: UUID, terms: SurpriseTerms, salt: bytes) -> str:
    """What is hashed, and published at the reveal: lines `name value`, each with its line feed."""
    variants = ",".join(encode(VARIANT, one) for one in sorted(terms.variants))
    reveals = terms.reveal_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = (encode(SURPRISE, id), variants, terms.currency, str(terms.price), reveals, salt.hex())
    return "".join(f"{line}\n" for line in (HEAD, *map(" ".join, zip(MEMBERS, values, strict=True))))


def commitment_of(text: str) -> bytes:
    """SHA-256 of the opening, which is published before."""
    return hashlib.sha256(text.encode()).digest()


def check_surprise(text: str, commitment: str) -> SurpriseReport:
    """Recompute the commitment of an opening. Raises InvalidInput for what is no opening."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    parts = [line.partition(" ") for line in lines[1:]]
    members = {name: value for name, _, value in parts}
    price = members.get("price", "")
    if lines[0] != HEAD or tuple(name for name, _, _ in parts) != MEMBERS or not (price.isascii() and price.isdigit()):
        raise InvalidInput(f"This is no opened surprise price: its first line is `{HEAD}`.")
    decode(SURPRISE, members["surprise"])
    computed = commitment_of("".join(f"{line}\n" for line in lines)).hex()
    holds = computed == commitment.strip().lower()
    return SurpriseReport(holds, computed, int(price), members["currency"], members["reveals"])


def fits(mask: str, amount: int, currency: str) -> bool:
    """Whether the mask shows this price with some of its digits hidden."""
    price = plain_price(amount, currency)
    return len(mask) == len(price) and all(
        shown == digit or (shown == HIDDEN and digit.isdigit()) for shown, digit in zip(mask, price, strict=True)
    )


def usual_mask(amount: int, currency: str) -> str:
    """First and last digit shown, as in 1??.?9; of a price of one or two digits all is hidden."""
    price = plain_price(amount, currency)
    digits = [place for place, letter in enumerate(price) if letter.isdigit()]
    shown = {digits[0], digits[-1]} if len(digits) > 2 else set[int]()
    return "".join(letter if place in shown or not letter.isdigit() else HIDDEN for place, letter in enumerate(price))


def possible(mask: str) -> int:
    """How many prices the mask leaves open; its first digit, where hidden, may be anything."""
    return 10 ** mask.count(HIDDEN)


def surprise_flaws(terms: SurpriseTerms, listed: Sequence[int | None], now: datetime) -> list[Flaw]:
    """All that keeps it from being made. `listed` is what the variants cost without it, in its currency."""
    return [*_times(terms, now), *_price(terms, listed)]


def _times(terms: SurpriseTerms, now: datetime) -> Iterator[Flaw]:
    if terms.reveal_at <= now:
        yield Flaw("reveal_at", "past", "The reveal lies in the past.")
    elif terms.reveal_at - now > LONGEST:
        yield Flaw("reveal_at", "too_far", "The reveal lies at most 90 days ahead.")
    if terms.reveal_at.microsecond:
        yield Flaw("reveal_at", "too_fine", "The reveal is told to the second.")
    if terms.early_at > terms.reveal_at:
        yield Flaw("early_at", "after_reveal", "Those who booked hear of the price before the others, or with them.")
    if terms.ends_at <= terms.reveal_at:
        yield Flaw("ends_at", "before_reveal", "The price holds for a while after its reveal.")


def _price(terms: SurpriseTerms, listed: Sequence[int | None]) -> Iterator[Flaw]:
    if not known_currency(terms.currency):
        yield Flaw("currency", "unknown_currency", "Use a currency code of ISO 4217 such as EUR.")
        return
    if not 1 <= len(terms.variants) <= MAX_VARIANTS:
        yield Flaw("product", "no_variants", "Choose goods with one to fifty variants.")
    if terms.price <= 0:
        yield Flaw("price", "missing", "Write the price.")
        return
    if any(one is None or one <= terms.price for one in listed):
        yield Flaw("price", "not_lower", "The surprise price is lower than the list price of each variant.")
    if HIDDEN not in terms.mask or not fits(terms.mask, terms.price, terms.currency):
        yield Flaw("mask", "malformed", "Write the price with at least one digit replaced by a question mark.")
