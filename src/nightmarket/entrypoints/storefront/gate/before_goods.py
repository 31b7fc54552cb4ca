"""What a product's page says of the waiting room before it: to those who wait yet, and to those who were let in."""

from uuid import UUID

from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.gate.contract import Room

from .lines import Lines, path_of

KEPT = 2_000
"""Pieces that a process keeps rendered; all are forgotten when there are more."""


class BeforeGoods:
    """One per process. While no room is at work this costs one look at an empty mapping."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gates = site.shop.gates
        self._lines = Lines(site)
        self._kept: dict[tuple[UUID, int, bool, bool, str, str], bytes] = {}

    def words(self, visit: Visit, product: UUID, here: str) -> bytes:
        """For this visitor; nothing where everyone may buy. `here` is where the room leads back to."""
        room = self._room(product)
        if room is None:
            return b""
        inside = self._lines.passed(visit.scope, room.id)
        key = (room.id, room.version, room.drawn_at is None, inside, visit.language, here)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            words = {"room": room, "path": path_of(room), "inside": inside, "here": here}
            known = self._kept[key] = self._site.render(visit, "gate/before_goods.html", words).strip()
        return known

    def _room(self, product: UUID) -> Room | None:
        """The room that asks for its pass: with several, the last one does."""
        rooms = [room for room in self._gates.acting.values() if room.product == product]
        return rooms[-1] if rooms else None
