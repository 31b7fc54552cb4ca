"""Deliveries as rows: their states, when the next try is due, what became of a try. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

TRIES_LIMIT = 18
FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 10_800
SPREAD_PERCENT = 20
"""So much of a pause is spread by the delivery's id, so that what failed together does not come back together."""

MAX_ANSWER_LETTERS = 500
GONE = 410
"""A receiver that answers this wants nothing any more (Standard Webhooks)."""


class DeliveryState(StrEnum):
    """queued -> sent | failed; failed -> queued, when somebody sends it again."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Event(msgspec.Struct, frozen=True):
    """Something to tell one receiver: the id that stays with it, what it is about, and who hears of it.

    `source` is the address of an agent's profile, which says where to send it; "" means the address that the API key
    `owner` has registered.
    """

    id: UUID
    about: UUID
    event: str
    owner: UUID
    source: str
    happened_at: datetime


class Delivery(msgspec.Struct, frozen=True):
    """An event on its way; `status` and `answer` are the receiver's last, `url` is where it was last sent."""

    id: UUID
    about: UUID
    event: str
    owner: UUID
    source: str
    url: str
    happened_at: datetime
    created_at: datetime
    state: DeliveryState
    tries: int
    due_at: datetime
    tried_at: datetime | None
    sent_at: datetime | None
    status: int | None
    answer: str
    failure: str | None

    @property
    def receiver(self) -> str:
        """What shares one allowance of tries at once."""
        return self.source or self.owner.hex


class Tried(msgspec.Struct, frozen=True):
    """How one try ended: `failure` is None when the receiver took it. `unwanted`: there is nothing to tell, or nobody
    to tell it to; `silent`: since the agent's profile names no address."""

    url: str = ""
    status: int | None = None
    answer: str = ""
    failure: str | None = None
    final: bool = False
    unwanted: bool = False
    silent: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What a delivery becomes; `due_at` is the next try of one that stays queued."""

    id: UUID
    state: DeliveryState
    due_at: datetime
    tried: Tried


def pause_after(tries: int, id: UUID) -> timedelta:
    """How long to wait after that many failed tries: 5 s, doubled each time up to three hours, less up to a fifth."""
    whole = min(FIRST_PAUSE_SECONDS << min(tries - 1, 20), LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=whole * (100 - id.int % (SPREAD_PERCENT + 1)) / 100)


def outcome(one: Delivery, tried: Tried, now: datetime) -> Outcome:
    """What comes of a try."""
    if tried.failure is None:
        return Outcome(one.id, DeliveryState.SENT, one.due_at, tried)
    if tried.final or one.tries >= TRIES_LIMIT:
        return Outcome(one.id, DeliveryState.FAILED, one.due_at, tried)
    return Outcome(one.id, DeliveryState.QUEUED, now + pause_after(one.tries, one.id), tried)
