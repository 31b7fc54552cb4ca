"""Booklets: stamps of several brands that turn into coupons. What is fixed of one, what may be wrong of it. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.languages import LANGUAGES

from .flaws import Flaw, unprintable

BOOKLET = "bkl"
"""Prefix of the ids outside."""

MAX_NAME = 120
MAX_LABEL = 60
MAX_STAMPS = 40
MAX_REWARDS = 10
LONGEST = timedelta(days=400)
PATH = re.compile(r"/[A-Za-z0-9/_-]{1,199}")


class StampAct(StrEnum):
    """What earns a stamp."""

    VISIT = "visit"
    """Going to a page of the shop from the booklet."""
    BUY = "buy"
    """A paid order with goods of a merchant."""
    PLACE = "place"
    """Being at a place: its QR code was opened a while ago."""


class Stamp(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of a booklet: whose it is, and what earns it: the `path` of a page, the `merchant` to buy from, or the
    short name of a `place`."""

    key: str
    label: str
    act: StampAct
    path: str = ""
    merchant: UUID | None = None
    place: str = ""


class Reward(msgspec.Struct, frozen=True):
    """From so many stamps on, the coupon with that id, which is one that is won."""

    stamps: int
    coupon: UUID


class BookletTerms(msgspec.Struct, frozen=True):
    """What is fixed when a booklet is made. Stamps are given in [opens_at, closes_at), each once a person."""

    name: dict[str, str]
    opens_at: datetime
    closes_at: datetime
    stamps: tuple[Stamp, ...]
    rewards: tuple[Reward, ...]

    def stamp(self, key: str) -> Stamp | None:
        return next((one for one in self.stamps if one.key == key), None)

    def earned(self, stamps: int) -> tuple[UUID, ...]:
        """The coupons that so many stamps turn into."""
        return tuple(reward.coupon for reward in self.rewards if reward.stamps <= stamps)


class Booklet(msgspec.Struct, frozen=True):
    """A booklet as it was made."""

    id: UUID
    terms: BookletTerms
    made_at: datetime
    made_by: str


def is_open(booklet: Booklet, now: datetime) -> bool:
    """Whether stamps are given."""
    return booklet.terms.opens_at <= now < booklet.terms.closes_at


def booklet_flaws(terms: BookletTerms, now: datetime) -> list[Flaw]:
    """All that keeps a booklet from being made, but for what its coupons say."""
    return [*_names(terms.name), *_times(terms, now), *_stamps(terms), *_rewards(terms)]


def _names(names: dict[str, str]) -> Iterator[Flaw]:
    if not names.get("en"):
        yield Flaw("name", "missing", "Give the booklet a name in English.")
    for language, text in names.items():
        if language not in LANGUAGES or not text.strip() or len(text) > MAX_NAME or unprintable(text):
            yield Flaw(f"name.{language}", "malformed", "A name has 1 to 120 visible letters.")


def _times(terms: BookletTerms, now: datetime) -> Iterator[Flaw]:
    if terms.closes_at <= terms.opens_at:
        yield Flaw("closes_at", "before_start", "The booklet closes after it opens.")
    elif terms.closes_at <= now:
        yield Flaw("closes_at", "past", "The closing lies in the past.")
    elif terms.closes_at - min(now, terms.opens_at) > LONGEST:
        yield Flaw("closes_at", "too_long", "A booklet is over within 400 days.")


def _stamps(terms: BookletTerms) -> Iterator[Flaw]:
    keys = [stamp.key for stamp in terms.stamps]
    if not 1 <= len(keys) <= MAX_STAMPS or len(set(keys)) < len(keys):
        yield Flaw("stamps", "amount", "A booklet has 1 to 40 stamps.")
    for stamp in terms.stamps:
        if not stamp.label.strip() or len(stamp.label) > MAX_LABEL or unprintable(stamp.label):
            yield Flaw("stamps", "malformed", "Say in up to 60 letters whose stamp it is.")
        if stamp.act is StampAct.VISIT and PATH.fullmatch(stamp.path) is None:
            yield Flaw("stamps", "path", "Write the address of a page of this shop, such as /brands/lumen.")
        if stamp.act is StampAct.BUY and stamp.merchant is None:
            yield Flaw("stamps", "merchant", "Say from which merchant one has to buy.")
        if stamp.act is StampAct.PLACE and not stamp.place:
            yield Flaw("stamps", "place", "Say at which place one has to be, by its short name.")


def _rewards(terms: BookletTerms) -> Iterator[Flaw]:
    if not 1 <= len(terms.rewards) <= MAX_REWARDS:
        yield Flaw("rewards", "amount", "A booklet turns into 1 to 10 coupons.")
    if len({reward.coupon for reward in terms.rewards}) < len(terms.rewards):
        yield Flaw("rewards", "named_twice", "Each coupon is given once.")
    if any(not 1 <= reward.stamps <= len(terms.stamps) for reward in terms.rewards):
        yield Flaw("rewards", "out_of_range", "A coupon takes at least one stamp, and not more than there are.")
