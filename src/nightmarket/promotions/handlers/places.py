"""Places are made, their codes are opened, and carts learn where their shoppers are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.access import Signer
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Books
from nightmarket.promotions.contract.places import NewPlace, Place, PlaceChanged, PlaceMade, PlaceTerms, visit_until
from nightmarket.promotions.errors import PlaceNotFound, PlaceRefused
from nightmarket.promotions.model.asking import names_any
from nightmarket.promotions.model.flaws import Flaw
from nightmarket.promotions.model.places import MAX_VISITS, place_flaws
from nightmarket.promotions.store import places as store

from .draw_steps import DrawMeans

ID_BYTES, CODE_BYTES = 16, 4


class StoredPlaces:
    """Implements `contract.places.Places`."""

    def __init__(self, means: DrawMeans, books: Books) -> None:
        self._means, self._books = means, books
        self._signer = Signer(means.secret, "place")
        self._asked: tuple[int, bool] = (-1, False)

    async def make(self, tx: Connection, new: NewPlace, by: str) -> Place:
        known = await store.some(tx, [new.id])
        if known:
            return known[0]
        now = self._means.clock.now()
        _refuse(list(place_flaws(new.terms, now)))
        made = Place(new.id, new.terms, now, by)
        if not await store.insert(tx, made):
            raise PlaceRefused("Another place has that short name.", field="slug", reason="taken")
        await self._means.facts.append(tx, [PlaceMade(made.id, new.terms.slug)], now)
        return made

    async def change(self, tx: Connection, id: UUID, terms: PlaceTerms) -> Place:
        now, known = self._means.clock.now(), await self._locked(tx, id)
        kept = msgspec.structs.replace(terms, slug=known.terms.slug, merchant=known.terms.merchant)
        if kept == known.terms:
            return known
        _refuse(list(place_flaws(kept, now)))
        if known.closed_at is not None:
            raise PlaceRefused("This place is closed for good; make another.", field="name", reason="closed")
        await store.change(tx, id, kept)
        return await self._changed(tx, id, "changed", now)

    async def close(self, tx: Connection, id: UUID) -> Place:
        known, now = await self._locked(tx, id), self._means.clock.now()
        if known.closed_at is not None:
            return known
        await store.close(tx, id, now)
        await store.end_visits(tx, id)
        return await self._changed(tx, id, "closed", now)

    async def renew(self, tx: Connection, id: UUID) -> Place:
        await self._locked(tx, id)
        await store.renew(tx, id)
        await store.end_visits(tx, id)
        return await self._changed(tx, id, "renewed", self._means.clock.now())

    async def _locked(self, tx: Connection, id: UUID) -> Place:
        found = await store.some(tx, [id], lock=True)
        if not found:
            raise PlaceNotFound("There is no such place.", field="place")
        return found[0]

    async def _changed(self, tx: Connection, id: UUID, what: str, now: datetime) -> Place:
        await self._means.facts.append(tx, [PlaceChanged(id, what)], now)
        return await self.one(tx, id)

    async def one(self, connection: Connection, id: UUID) -> Place:
        found = await store.some(connection, [id])
        if not found:
            raise PlaceNotFound("There is no such place.", field="place")
        return found[0]

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Place]:
        return {one.id: one for one in await store.some(connection, ids)}

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Place]:
        return await store.newest(connection, merchant)

    # its code

    def token(self, place: Place) -> str:
        """The first code is the id alone, as it has always been."""
        number = place.code.to_bytes(CODE_BYTES, "big") if place.code > 1 else b""
        return self._signer.seal(place.id.bytes + number)

    def read(self, token: str) -> tuple[UUID, int] | None:
        first = self._signer.unseal(token, ID_BYTES)
        if first is not None:
            return UUID(bytes=first), 1
        raw = self._signer.unseal(token, ID_BYTES + CODE_BYTES)
        return (UUID(bytes=raw[:ID_BYTES]), int.from_bytes(raw[ID_BYTES:], "big")) if raw is not None else None

    async def with_code(self, connection: Connection, token: str) -> Place:
        read = self.read(token)
        if read is None:
            raise PlaceNotFound("There is no place with this code.")
        id, code = read
        place = await self.one(connection, id)
        if place.code != code:
            raise PlaceNotFound("This code was replaced by another; look for the new one at the place.")
        return place

    # visits

    async def visit(self, tx: Connection, place: Place, owner: UUID) -> datetime | None:
        now = self._means.clock.now()
        if not place.open_at(now):
            return None
        until = visit_until(place.terms, now)
        await store.visit(tx, owner, place, now, until)
        await store.keep_newest(tx, owner, MAX_VISITS)
        return until

    async def move(self, tx: Connection, guest: UUID, account: UUID) -> None:
        await store.move(tx, guest, account)
        await store.keep_newest(tx, account, MAX_VISITS)

    async def where(self, owner: UUID, now: datetime) -> Sequence[str]:
        if not self._matters():
            return ()
        async with self._means.database.read() as connection:
            return await store.where(connection, owner, now)

    async def here(self, connection: Connection, owner: UUID) -> Sequence[str]:
        return await store.where(connection, owner, self._means.clock.now())

    def _matters(self) -> bool:
        """Whether any offer of the book is for a place; looked at once per book."""
        book = self._books.current()
        if self._asked[0] != book.number:
            self._asked = (book.number, names_any(book, "places"))
        return self._asked[1]

    async def visits(self, connection: Connection, owner: UUID) -> Sequence[tuple[Place, datetime]]:
        until = await store.visits(connection, owner, self._means.clock.now())
        found = await self.some(connection, list(until))
        return sorted(((found[id], at) for id, at in until.items()), key=lambda pair: pair[0].terms.slug)

    async def sweep(self) -> int:
        async with self._means.database.transaction() as tx:
            return await store.sweep(tx, self._means.clock.now())


def _refuse(found: Sequence[Flaw]) -> None:
    if found:
        flaws = [msgspec.to_builtins(flaw) for flaw in found]
        raise PlaceRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
