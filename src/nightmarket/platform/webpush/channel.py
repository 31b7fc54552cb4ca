"""The channel by which the postman delivers push messages."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Database
from nightmarket.platform.messages import Message, Parcel, Refusal
from nightmarket.platform.outside import Outside, OutsideFailed, OutsideRefused, Question

from . import store
from .keys import PushKeys
from .sealing import authorization, sealed
from .store import Subscription
from .subscribing import PUSH

TTL_SECONDS = 3_600
"""How long a push service keeps a message for a browser that is away."""

MAX_PAYLOAD_BYTES = 3_000
"""Push services take 4,096 sealed bytes; what is longer is cut."""

ANSWER_BYTES = 4_096
GONE = frozenset({404, 410})
TAKEN = frozenset({200, 201, 202})
NEVER = frozenset({400, 401, 403, 413})

log = structlog.get_logger(__name__)


class Payload(msgspec.Struct, frozen=True):
    """What our service worker reads: `url` is where a press leads."""

    title: str
    body: str
    url: str
    tag: str


class WebPushChannel:
    """Implements `platform.messages.Channel`. A message's last line that is an address is where a press leads."""

    def __init__(self, database: Database, outside: Outside, keys: PushKeys, clock: Clock, subject: str) -> None:
        self._database = database
        self._outside = outside
        self._keys = keys
        self._clock = clock
        self._subject = subject

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        """Ask each browser's push service; those that are gone lose their subscription."""
        ids = [_subscriber(parcel) for parcel in parcels]
        async with self._database.read() as connection:
            known = await store.read(connection, [id for id in ids if id])
        work = [self._send(parcel, known.get(id) if id else None) for parcel, id in zip(parcels, ids, strict=True)]
        outcomes: Sequence[tuple[Refusal | None, UUID | None]] = await asyncio.gather(*work)
        gone = [id for _, id in outcomes if id is not None]
        if gone:
            async with self._database.transaction() as tx:
                await store.delete(tx, gone)
            log.info("push_subscriptions_gone", amount=len(gone))
        return [refusal for refusal, _ in outcomes]

    async def _send(self, parcel: Parcel, to: Subscription | None) -> tuple[Refusal | None, UUID | None]:
        if to is None:
            return Refusal("This browser no longer agrees to be pushed to.", permanent=True), None
        question = Question(
            url=to.endpoint,
            max_bytes=ANSWER_BYTES,
            method="POST",
            cut=True,
            body=sealed(payload_of(parcel.message), to),
            headers={
                "ttl": str(TTL_SECONDS),
                "urgency": "high",
                "topic": parcel.id.hex,
                "content-type": "application/octet-stream",
                "content-encoding": "aes128gcm",
                "authorization": authorization(self._keys, to.endpoint, self._subject, self._clock.now()),
            },
        )
        try:
            answer = await self._outside.ask(question)
        except OutsideRefused as refused:
            return Refusal(refused.detail, permanent=True), to.id
        except OutsideFailed as failed:
            return Refusal(failed.detail), None
        if answer.status in TAKEN:
            return None, None
        words = f"The push service answered {answer.status}."
        if answer.status in GONE:
            return Refusal(words, permanent=True), to.id
        return Refusal(words, permanent=answer.status in NEVER), None


def payload_of(message: Message) -> bytes:
    """The message as JSON, cut to what push services take."""
    lines = message.text.strip().splitlines()
    url = lines.pop() if lines and lines[-1].startswith(("http://", "https://")) else "/"
    body = "\n".join(lines).strip()
    while True:
        packed = msgspec.json.encode(Payload(message.subject, body, url, message.about or ""))
        if len(packed) <= MAX_PAYLOAD_BYTES or not body:
            return packed
        body = body[: len(body) // 2]


def _subscriber(parcel: Parcel) -> UUID | None:
    try:
        return decode(PUSH, parcel.message.to)
    except InvalidInput:
        return None
