"""What can be taken part in, of every mechanic that has something to tell agents.

A mechanic of its own adds a function to SOURCES: it reads the shop and returns what is open or comes, in a language.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from nightmarket.bootstrap import Shop
from nightmarket.gate.contract import ROOM, Guards, RoomState
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.draws import DRAW, DrawState
from nightmarket.promotions.contract.surprises import SURPRISE, SurpriseState

from .festival_wire import Happening

Source: TypeAlias = Callable[[Shop, str], Awaitable[Sequence[Happening]]]

MOST_HAPPENINGS = 200
"""Of one source."""


async def draws(shop: Shop, language: str) -> Sequence[Happening]:
    """Draws that have not been drawn, with how their ticket list is proven."""
    async with shop.database.read() as connection:
        found = await shop.draws.all(connection)
    return [
        Happening(
            kind="draw",
            id=encode(DRAW, one.id),
            title=pick(one.terms.name, language) or "Draw",
            state=one.state.value,
            url=f"{shop.settings.address}/draws/{encode(DRAW, one.id)}",
            opens_at=one.terms.opens_at,
            closes_at=one.terms.closes_at,
            currency=one.terms.currency,
            terms={"prizes": one.terms.units, "budget": one.terms.budget, "seed_sha256": one.seed_hash.hex()},
        )
        for one in found
        if one.state in (DrawState.OPEN, DrawState.CLOSED)
    ]


async def surprises(shop: Shop, language: str) -> Sequence[Happening]:
    """Prices that were fixed and are not told yet: the hash that they are held to, and the digits that are shown."""
    async with shop.database.read() as connection:
        found = await shop.surprises.all(connection)
    secret = [one for one in found if one.state in (SurpriseState.SEALED, SurpriseState.EARLY)]
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in secret])}
    return [
        Happening(
            kind="surprise_price",
            id=encode(SURPRISE, one.id),
            title=(pick(card.title, language) if (card := cards.get(one.terms.product)) else None) or "Surprise price",
            state=one.state.value,
            url=f"{shop.settings.address}/surprises/{encode(SURPRISE, one.id)}",
            opens_at=one.terms.reveal_at,
            closes_at=one.terms.ends_at,
            currency=one.terms.currency,
            items=[encode("var", variant) for variant in one.terms.variants],
            terms={"mask": one.terms.mask, "commitment_sha256": one.commitment.hex()},
        )
        for one in secret
    ]


async def waiting_rooms(shop: Shop, _: str) -> Sequence[Happening]:
    """Rooms in which people queue: where a ticket is drawn, and how many are let in a minute."""
    return [
        Happening(
            kind="waiting_room",
            id=encode(ROOM, room.id),
            title=room.name,
            state=shop.gates.state(room).value,
            url=f"{shop.settings.address}/gate/{encode('gate', room.id)}",
            opens_at=room.opens_at,
            items=[encode("var", variant) for variant in sorted(room.variants)],
            terms={"gathers_at": room.gathers_at.isoformat(), "pass_minutes": room.pass_minutes},
        )
        for room in shop.gates.rooms()
        if room.guards is not Guards.OUTSIDE and shop.gates.state(room) is not RoomState.OVER
    ]


SOURCES: tuple[Source, ...] = (draws, surprises, waiting_rooms)


async def happenings(shop: Shop, language: str) -> list[Happening]:
    """All of them, source by source."""
    return [one for source in SOURCES for one in (await source(shop, language))[:MOST_HAPPENINGS]]
