"""The server's own answer to "is this result right?": every draw recomputed once a process, from what is published."""

import asyncio
from uuid import UUID
from weakref import WeakSet

import msgspec

from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.kernel.problems import Unavailable
from nightmarket.promotions.contract.draws import Draw, DrawReport, check_draw

MOST_TICKETS = 200_000
"""Larger draws are recomputed by whoever wants to, with the command."""

PROOFS_KEPT = 50


class Turn:
    """One download that goes on; given back when it ends, or when nobody has begun to read it."""

    __slots__ = ("__weakref__",)


class Turns:
    """So many downloads at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: WeakSet[Turn] = WeakSet()

    def take(self) -> Turn:
        """A turn, held before anything else happens. Raises Unavailable."""
        turn = Turn()
        self._taken.add(turn)
        if len(self._taken) > self._most:
            self._taken.discard(turn)
            raise Unavailable("Others download the list at this moment; try again in a minute.", retry_after_seconds=60)
        return turn

    def give_back(self, turn: Turn) -> None:
        self._taken.discard(turn)


class Proofs:
    """Recomputed draws. One per process; a draw that is drawn never changes its list again."""

    def __init__(self) -> None:
        self._reports: dict[UUID, DrawReport] = {}
        self._working = asyncio.Lock()

    async def of(self, store: Storefront, draw: Draw) -> DrawReport | None:
        """What a check of the published list finds; None where it is too long for a page."""
        if not draw.is_drawn or draw.tickets > MOST_TICKETS:
            return None
        async with self._working:
            known = self._reports.get(draw.id)
            if known is None:
                parts = [part async for part in store.shop.draws.published(draw)]
                known = await asyncio.to_thread(lambda: check_draw(b"".join(parts).decode().splitlines()))
                while len(self._reports) >= PROOFS_KEPT:
                    del self._reports[next(iter(self._reports))]
                self._reports[draw.id] = known
        return known


class Asked(msgspec.Struct, frozen=True):
    """A ticket that somebody asks for: whether it took part, and what it won."""

    ticket: str
    known: bool
    place: int | None = None
    prize: str = ""
