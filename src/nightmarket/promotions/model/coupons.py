"""Coupons: offers that are somebody's once collected: what is fixed, what may be wrong of it, and the offer. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import ALPHABET, derive, encode
from nightmarket.kernel.languages import LANGUAGES

from .conditions import Condition
from .effects import Effect, PurchaseLimit
from .flaws import Flaw, unprintable
from .offers import BuyerCap, Offer

COUPON = "cpn"
"""Prefix of the ids outside."""

MAX_NAME = 120
MAX_QUOTA = 1_000_000
"""People who can have one coupon."""

MAX_CODES = 20_000
"""Single codes made at once, in one short transaction."""

MAX_ADDRESSED = 20_000
"""Addresses that one coupon is for."""

MAX_COUPON_USES = 100
LONGEST = timedelta(days=400)
WORD = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{1,30}[A-Z0-9])")
CODE_LETTERS = 12


class CouponWay(StrEnum):
    """How somebody comes to have it."""

    OPEN = "open"
    """Whoever presses first."""
    CODES = "codes"
    """Whoever has one of many codes, each good for one person."""
    SHARED = "shared"
    """Whoever knows the one word."""
    SENT = "sent"
    """Only the people with these addresses may press."""
    WON = "won"
    """Nobody presses: a booklet or a game gives it."""


class CouponTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is fixed when a coupon is made. Collected in [collect_from, collect_until) by up to `quota` people; each may
    use it for `uses` orders in [use_from, use_until). `merchant` pays for it, None is the market itself."""

    name: dict[str, str]
    way: CouponWay
    effect: Effect
    collect_from: datetime
    collect_until: datetime
    use_from: datetime
    use_until: datetime
    quota: int
    uses: int = 1
    merchant: UUID | None = None
    condition: Condition = Condition()
    word: str = ""
    """The one code of a shared coupon, in capitals."""
    budget: dict[str, int] = {}
    most: dict[str, int] = {}


class Coupon(msgspec.Struct, frozen=True):
    """A coupon as it was made. `ended_at`: nobody can collect or use it any more."""

    id: UUID
    terms: CouponTerms
    made_at: datetime
    made_by: str
    ended_at: datetime | None = None

    @property
    def offer(self) -> UUID:
        return coupon_offer_id(self.id)

    def is_for(self, segments: frozenset[str]) -> bool:
        """Whether somebody in these segments can have it: one of those that it names is enough."""
        wanted = self.terms.condition.segments
        return not wanted or not wanted.isdisjoint(segments)


class CouponPhase(StrEnum):
    """Where a coupon stands for everybody."""

    AHEAD = "ahead"
    OPEN = "open"
    CLOSED = "closed"
    """No longer collected; those who have it can use it, now or later."""
    OVER = "over"


class HeldState(StrEnum):
    """Where a coupon stands for one who has it."""

    WAITING = "waiting"
    """Its time to be used has not begun."""
    READY = "ready"
    IN_ORDER = "in_order"
    """An order that is not paid yet has it."""
    USED = "used"
    OVER = "over"


def entitlement_of_coupon(coupon: UUID) -> str:
    """What those who have it are entitled to: its offer needs it."""
    return f"{COUPON_WORD}{encode(COUPON, coupon)}"


COUPON_WORD = "coupon:"


def coupon_offer_id(coupon: UUID) -> UUID:
    """The offer of the book that a coupon stands for."""
    return derive("coupon_offer", coupon)


def coupon_tally(coupon: UUID) -> UUID:
    """The tally of how many more people can have it."""
    return derive("coupon_quota", coupon)


def coupon_claim(coupon: UUID, person: UUID) -> UUID:
    """The claim by which somebody took one of the quota."""
    return derive("coupon_held", coupon, person)


def coupon_offer(coupon: Coupon) -> Offer:
    """The coupon as an ordinary offer for those who have it; how often each uses it is counted by buyer. Segments say
    who can have it; what somebody has stays theirs."""
    terms = coupon.terms
    needs = frozenset({entitlement_of_coupon(coupon.id)})
    return Offer(
        id=coupon.offer,
        revision=1,
        name=terms.name,
        effect=terms.effect,
        starts_at=terms.use_from,
        ends_at=terms.use_until,
        condition=msgspec.structs.replace(terms.condition, needs=needs, segments=frozenset[str]()),
        funder=terms.merchant,
        per_buyer=BuyerCap(uses=terms.uses),
        budget=terms.budget,
        most=terms.most,
    )


def phase_of_coupon(coupon: Coupon, now: datetime) -> CouponPhase:
    terms = coupon.terms
    if coupon.ended_at is not None or now >= terms.use_until:
        return CouponPhase.OVER
    if now < terms.collect_from:
        return CouponPhase.AHEAD
    return CouponPhase.OPEN if now < terms.collect_until else CouponPhase.CLOSED


def held_state(coupon: Coupon, held: int, spent: int, now: datetime) -> HeldState:
    """By how many of its orders are not paid yet (`held`) and how many are (`spent`)."""
    if spent >= coupon.terms.uses:
        return HeldState.USED
    if coupon.ended_at is not None or now >= coupon.terms.use_until:
        return HeldState.OVER
    if held + spent >= coupon.terms.uses:
        return HeldState.IN_ORDER
    return HeldState.WAITING if now < coupon.terms.use_from else HeldState.READY


def plain_coupon_code(typed: str) -> str:
    """A code as it is stored: capitals, without spaces and dashes of one's own."""
    return "".join(letter for letter in typed.upper() if not letter.isspace())


def code_of_number(number: int) -> str:
    """Sixty bits as letters that cannot be mistaken, in groups of four."""
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LETTERS)).upper()
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LETTERS, 4))


def coupon_flaws(terms: CouponTerms, now: datetime, addressed: int = 0) -> list[Flaw]:
    """All that keeps a coupon from being made, but for what its offer says of itself."""
    return [*_names(terms.name), *_times(terms, now), *_counts(terms, addressed), *_word(terms)]


def _names(names: dict[str, str]) -> Iterator[Flaw]:
    if not names.get("en"):
        yield Flaw("name", "missing", "Give the coupon a name in English.")
    for language, text in names.items():
        if language not in LANGUAGES or not text.strip() or len(text) > MAX_NAME or unprintable(text):
            yield Flaw(f"name.{language}", "malformed", "A name has 1 to 120 visible letters.")


def _times(terms: CouponTerms, now: datetime) -> Iterator[Flaw]:
    if terms.collect_until <= terms.collect_from:
        yield Flaw("collect_until", "before_start", "Collecting ends after it begins.")
    elif terms.collect_until <= now:
        yield Flaw("collect_until", "past", "The end of collecting lies in the past.")
    if terms.use_until <= terms.use_from:
        yield Flaw("use_until", "before_start", "A coupon ends after it begins to hold.")
    elif terms.use_until < terms.collect_until:
        yield Flaw("use_until", "before_start", "A coupon holds at least until the end of collecting.")
    elif terms.use_until - min(now, terms.collect_from) > LONGEST:
        yield Flaw("use_until", "too_long", "A coupon is over within 400 days.")


def _counts(terms: CouponTerms, addressed: int) -> Iterator[Flaw]:
    if not 1 <= terms.quota <= MAX_QUOTA:
        yield Flaw("quota", "out_of_range", "Between 1 and 1000000 people can have a coupon.")
    elif terms.way is CouponWay.CODES and terms.quota > MAX_CODES:
        yield Flaw("quota", "out_of_range", "At most 20000 codes are made at once; make another coupon for more.")
    if not 1 <= terms.uses <= MAX_COUPON_USES:
        yield Flaw("uses", "out_of_range", "Each person uses it for 1 to 100 orders.")
    if terms.way is CouponWay.SENT and not 1 <= addressed <= MAX_ADDRESSED:
        yield Flaw("addresses", "amount", "Name 1 to 20000 addresses that it is for.")
    if isinstance(terms.effect, PurchaseLimit):
        yield Flaw("effect", "no_price", "A coupon takes something off; a purchase limit does not.")


def _word(terms: CouponTerms) -> Iterator[Flaw]:
    if terms.way is CouponWay.SHARED and WORD.fullmatch(terms.word) is None:
        yield Flaw("word", "malformed", "A code has 3 to 32 letters A to Z, digits and dashes.")
    if terms.way is not CouponWay.SHARED and terms.word:
        yield Flaw("word", "not_shared", "Only a shared coupon has a word.")
