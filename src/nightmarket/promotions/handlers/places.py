"""Places are made, their codes are opened, and carts learn where their shoppers are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.access import Signer
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Books
from nightmarket.promotions.contract.places import NewPlace, Place, PlaceMade, visit_until
from nightmarket.promotions.errors import PlaceNotFound, PlaceRefused
from nightmarket.promotions.model.asking import names_any
from nightmarket.promotions.model.places import MAX_VISITS, place_flaws
from nightmarket.promotions.store import places as store

from .draw_steps import DrawMeans

ID_BYTES = 16


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
        found = list(place_flaws(new.terms, now))
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise PlaceRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        made = Place(new.id, new.terms, now, by)
        if not await store.insert(tx, made):
            raise PlaceRefused("Another place has that short name.", field="slug", reason="taken")
        await self._means.facts.append(tx, [PlaceMade(made.id, new.terms.slug)], now)
        return made

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

    def token(self, id: UUID) -> str:
        return self._signer.seal(id.bytes)

    def read(self, token: str) -> UUID | None:
        raw = self._signer.unseal(token, ID_BYTES)
        return UUID(bytes=raw) if raw is not None else None

    # visits

    async def visit(self, tx: Connection, place: Place, owner: UUID) -> datetime | None:
        now = self._means.clock.now()
        if not place.terms.open_at(now):
            return None
        until = visit_until(place.terms, now)
        await store.visit(tx, owner, place, now, until)
        await store.keep_newest(tx, owner, MAX_VISITS)
        return until

    async def where(self, owner: UUID, now: datetime) -> Sequence[str]:
        if not self._matters():
            return ()
        async with self._means.database.read() as connection:
            return await store.where(connection, owner, now)

    def _matters(self) -> bool:
        """Whether any offer of the book is for a place; looked at once per book."""
        book = self._books.current()
        if self._asked[0] != book.number:
            self._asked = (book.number, names_any(book, "places"))
        return self._asked[1]

    async def sweep(self) -> int:
        async with self._means.database.transaction() as tx:
            return await store.sweep(tx, self._means.clock.now())
