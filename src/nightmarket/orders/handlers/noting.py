"""What others report of orders (parcels, adjustments), and addresses that a sample shop knows people by."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders import store
from nightmarket.orders.contract import Destination, Note, NoteKind, OrdersNoted

from .means import Means

MAX_NOTES = 200
"""Notes of one order."""
MAX_ADDRESSES = 20
"""Addresses that one e-mail address is known by."""

_DESTINATION = msgspec.msgpack.Decoder(Destination)


class NoteDesk:
    """The part of `contract.Orders` that is about notes and known addresses."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def note(self, id: UUID, notes: Sequence[Note]) -> None:
        if not notes:
            return
        async with self._means.database.transaction() as tx:
            known = len(await store.notes(tx, id, MAX_NOTES))
            if known + len(notes) > MAX_NOTES:
                raise InvalidInput(f"An order has at most {MAX_NOTES} notes.")
            new = await store.write_notes(
                tx, id, [(one.id, one.kind, one.at, msgspec.json.encode(one.body).decode()) for one in notes]
            )
            await self._means.facts.append(tx, [OrdersNoted(id, one) for one in new], self._means.clock.now())

    async def notes(self, id: UUID) -> Sequence[tuple[NoteKind, dict[str, object]]]:
        async with self._means.database.read() as connection:
            found = await store.notes(connection, id, MAX_NOTES)
        return [(NoteKind(kind), msgspec.json.decode(body, type=dict[str, object])) for kind, body in found]

    async def known_addresses(self, email: str) -> Sequence[Destination]:
        async with self._means.database.read() as connection:
            found = await store.known_addresses(connection, email.casefold(), MAX_ADDRESSES)
        return [_DESTINATION.decode(body) for body in found]

    async def remember_addresses(self, known: Sequence[tuple[str, Destination]]) -> None:
        rows = [(email.casefold(), to.id, store.PACK.encode(to)) for email, to in known]
        if rows:
            async with self._means.database.transaction() as tx:
                await store.remember_addresses(tx, rows)
