"""Documents of offers become offers of the book: all of them or none, and everything that is wrong is said at once."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import Actor
from nightmarket.platform.database import Connection
from nightmarket.platform.deeds import MAX_DETAIL_LETTERS, Acted
from nightmarket.promotions.contract import Offer, flaws
from nightmarket.promotions.contract.standings import Standing

from .document import OfferInput
from .files import Fault as FileFault
from .files import read_rows
from .names import Fault, Names
from .reading import Reader

MAX_SET = 500
"""Offers that one call of promotions publishes."""

FOREIGN = "offer_not_found"
"""The reason for an id that is not theirs to change."""

MAX_WRONG = 500
"""Faults that one answer lists."""


class Wrong(msgspec.Struct, frozen=True):
    """One thing wrong with the document at a place of the list: its member, a stable word, and how to mend it."""

    place: int
    field: str
    reason: str
    detail: str


class WrongOffers(Exception):
    """Nothing was published; `wrong` has everything that is to be mended, in order."""

    def __init__(self, wrong: Sequence[Wrong], cause: Problem | None = None) -> None:
        super().__init__(wrong[0].detail)
        self.wrong = sorted(wrong, key=lambda one: one.place)[:MAX_WRONG]
        self.cause = cause


class _OnlyTried(Exception):
    """Ends the transaction of a trial."""


class Ready(msgspec.Struct, frozen=True):
    """Offers that may be published: the ids of all documents in order, and those of which something has changed."""

    ids: Sequence[UUID]
    offers: Sequence[Offer]
    places: dict[UUID, int]


class Publisher:
    """Reads documents for one person or key, and publishes what they say."""

    def __init__(self, shop: Shop, merchant: UUID | None) -> None:
        self._shop, self._merchant = shop, merchant
        self._reader = Reader(Names(shop.catalog), merchant, shop.settings.zone.key)

    async def ready(self, documents: Sequence[OfferInput], fallbacks: Sequence[UUID]) -> Ready:
        """What would be published. Raises WrongOffers with all that can be told of each offer by itself."""
        read: dict[int, Offer] = {}
        wrong: list[Wrong] = []
        for place, (one, fallback) in enumerate(zip(documents, fallbacks, strict=True)):
            try:
                read[place] = await self._reader.offer(one, fallback)
            except Fault as fault:
                wrong.append(Wrong(place, fault.field, fault.reason, fault.detail))
        places = {offer.id: place for place, offer in read.items()}
        wrong += [
            Wrong(place, "key" if documents[place].key else "id", "named_twice", "Name each offer once.")
            for place, offer in read.items()
            if places[offer.id] != place
        ]
        changed: list[Offer] = []
        async with self._shop.database.read() as connection:
            standing = await self._shop.standings.standing(connection, list(places))
        for place, offer in read.items():
            known = standing.get(offer.id)
            if documents[place].id is not None and (known is None or self._merchant not in (None, known.offer.funder)):
                wrong.append(Wrong(place, "id", FOREIGN, "No offer that is yours to change has that id."))
                continue
            next_one = offer if documents[place].revision else _next(offer, known)
            if next_one is not None:
                changed.append(next_one)
                wrong += [Wrong(place, flaw.field, flaw.reason, flaw.detail) for flaw in flaws(next_one)]
        if wrong:
            raise WrongOffers(wrong)
        return Ready([offer.id for offer in read.values()], changed, places)

    async def publish(self, tx: Connection, ready: Ready, at: datetime) -> None:
        """Publish in sets, in the caller's transaction. Raises WrongOffers for what only the others tell."""
        for start in range(0, len(ready.offers), MAX_SET):
            some = ready.offers[start : start + MAX_SET]
            try:
                await self._shop.offers.publish(tx, some, at)
            except Problem as problem:
                raise WrongOffers(_wrongs(problem, ready), problem) from problem

    async def trial(self, ready: Ready) -> None:
        """Do all of it, and take it back. Raises WrongOffers."""
        with suppress(_OnlyTried):
            async with self._shop.database.transaction() as tx:
                await self.publish(tx, ready, self._shop.clock.now())
                raise _OnlyTried

    async def carry_out(self, ready: Ready, actor: Actor) -> int:
        """Publish, and write down who did; the number of the book that has it."""
        now = self._shop.clock.now()
        if ready.offers:
            async with self._shop.database.transaction() as tx:
                await self.publish(tx, ready, now)
                await self._shop.facts.append(tx, [deed(actor, ready)], now)
        return (await self._shop.books.refresh()).number


def deed(actor: Actor, ready: Ready) -> Acted:
    """Who published what."""
    detail = "; ".join(pick(offer.name, "en") or "" for offer in ready.offers)[:MAX_DETAIL_LETTERS]
    return Acted(actor.id, actor.name, "offers.publish", encode("off", ready.ids[0]), detail)


def _next(offer: Offer, known: Standing | None) -> Offer | None:
    """The revision that comes next; None where nothing has changed. The tally of its uses is promotions' own."""
    if known is None:
        return offer
    same = msgspec.structs.replace(offer, revision=known.offer.revision, uses=known.offer.uses)
    if known.live and same == known.offer:
        return None
    return msgspec.structs.replace(offer, revision=known.offer.revision + 1)


def _wrongs(problem: Problem, ready: Ready) -> list[Wrong]:
    offer = problem.fields.get("offer")
    place = ready.places.get(offer, 0) if isinstance(offer, UUID) else 0
    listed = problem.fields.get("flaws") or ()
    if listed:
        return [Wrong(place, str(one["field"]), str(one["reason"]), str(one["detail"])) for one in listed]
    field = (problem.field or "").rpartition("]")[2].removeprefix("offers").lstrip(".")
    return [Wrong(place, field, str(problem.fields.get("reason", problem.code)), problem.detail)]


class FileReport(msgspec.Struct, frozen=True):
    """What became of a file: all of it is in, or none and `faults` says why, line by line."""

    offers: int
    changed: int
    faults: Sequence[FileFault]
    book: int | None = None
    """The book that has it; None where it was only tried, or refused."""


async def take_file(shop: Shop, body: bytes, merchant: UUID | None, actor: Actor | None) -> FileReport:
    """Publish a file of offers, all of it or nothing; without an actor only try it. An offer without key and id has an
    id that follows from the file, so that the same file is not taken twice. Raises InvalidInput for what is no file."""
    rows, faults = read_rows(body)
    if faults:
        return FileReport(len(rows) + len(faults), 0, faults[:MAX_WRONG])
    name = hashlib.sha256(body).digest()
    publisher = Publisher(shop, merchant)
    try:
        ready = await publisher.ready([row.offer for row in rows], [derive("offers-file", name, r.line) for r in rows])
        if actor is None:
            await publisher.trial(ready)
            return FileReport(len(rows), len(ready.offers), [])
        book = await publisher.carry_out(ready, actor)
    except WrongOffers as refused:
        found = [FileFault(rows[one.place].line, one.field, one.reason, one.detail) for one in refused.wrong]
        return FileReport(len(rows), 0, found)
    return FileReport(len(rows), len(ready.offers), [], book)
