"""Stock as another shop says and sees it."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing, Place
from nightmarket.claims.contract import Count, Feed, Owner, StockPlace, digest, named_tally, request_id
from nightmarket.claims.errors import ItemUnknown
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import Actor
from nightmarket.tally.contract import Level

from . import wire
from .items import Items, one_of

MAX_NAMES = 100
"""SKUs and tallies that one reading asks for."""


async def feed(shop: Shop, items: Items, actor: Actor, key: str, wanted: wire.StockInput) -> wire.StockAnswer:
    """Set or change stock, all lines or none, once per key; the answer is how it stands then."""
    owner = Owner(actor.id, actor.merchant_id)
    for number, line in enumerate(wanted.lines):
        one_of(number, sku=line.sku, variant=line.variant, tally=line.tally)
        if (line.units is None) == (line.change is None):
            raise InvalidInput("Say units or change, one of both.", field=f"lines[{number}].units")
    listings = await items.listings(owner, wanted.lines, wanted.merchant)
    places = {(place.merchant, place.code): place for place in await shop.catalog.places()} if listings else {}
    counts: list[Count] = []
    opened: list[StockPlace] = []
    for number, line in enumerate(wanted.lines):
        if line.tally is not None:
            tally = named_tally(owner.names, line.tally)
        else:
            place = _place(places, listings[number], line.place, number)
            opened.append(place)
            tally = place.tally
        counts.append(Count(tally, line.units, line.change))
    if len({count.tally for count in counts}) < len(counts):
        raise InvalidInput("Name each stock once.", field="lines")
    done = await shop.claims.feed(
        Feed(
            id=request_id(owner.client, "stock", key, shop.claims.secret),
            owner=owner,
            request=digest(wanted),
            counts=tuple(counts),
            cause=wanted.cause,
            by=actor.name,
            names=tuple(line.tally for line in wanted.lines if line.tally is not None),
            places=tuple(opened),
        )
    )
    shop.catalog.forget({place.variant for place in opened})
    return wire.StockAnswer(
        [
            _level([done.get(count.tally, Level(0, 0, 0))], line, listings.get(number))
            for number, (count, line) in enumerate(zip(counts, wanted.lines, strict=True))
        ]
    )


def _place(places: dict[tuple[UUID, str], Place], listing: Listing, code: str, number: int) -> StockPlace:
    place = places.get((listing.merchant, code))
    if place is None:
        raise ItemUnknown(f"This merchant has no place {code!r}.", field=f"lines[{number}].place")
    known = next((stock.tally for stock in listing.stock if stock.place == place.id), None)
    tally = known or derive("stock", listing.variant, place.id)
    return StockPlace(listing.merchant, listing.variant, place.id, tally)


async def levels(shop: Shop, items: Items, owner: Owner, asked: Sequence[wire.StockLineInput]) -> wire.StockAnswer:
    """How much there is of each; a variant's places together. What is not counted here is left out."""
    if not 1 <= len(asked) <= MAX_NAMES:
        text = f"Ask for 1 to {MAX_NAMES} SKUs and tallies at once, as in ?sku=A1&tally=tables."
        raise InvalidInput(text, field="sku")
    if owner.merchant is None and any(line.merchant is None for line in asked if line.sku is not None):
        raise InvalidInput("Say whose SKUs these are: name the merchant, or use a key of theirs.", field="merchant")
    found: dict[int, Listing] = {}
    for number, line in enumerate(asked):
        if line.tally is None:
            try:
                found[number] = (await items.listings(owner, [line], None))[0]
            except ItemUnknown:
                continue
    tallies: dict[int, list[UUID]] = {number: [one.tally for one in found[number].stock] for number in found}
    for number, line in enumerate(asked):
        if line.tally is not None:
            tallies[number] = [named_tally(owner.names, line.tally)]
    async with shop.database.read() as connection:
        known = await shop.tallies.levels(connection, {tally for some in tallies.values() for tally in some})
    return wire.StockAnswer(
        [
            _level([known[tally] for tally in some if tally in known], asked[number], found.get(number))
            for number, some in sorted(tallies.items())
            if any(tally in known for tally in some)
        ]
    )


def _level(parts: Sequence[Level], line: wire.StockLineInput, listing: Listing | None) -> wire.StockLevel:
    return wire.StockLevel(
        available=sum(part.available for part in parts),
        held=sum(part.held for part in parts),
        sold=sum(part.spent for part in parts),
        sku=listing.sku if listing else None,
        variant=encode("var", listing.variant) if listing else None,
        tally=line.tally,
    )
