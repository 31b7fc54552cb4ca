"""The shop as a rehearsal needs it: what is sold, a key for its shoppers, and the assurance that nothing gets out."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Listing, ProductKind, StockBooks
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import TRANSFER, OrderBooks, Orders
from nightmarket.platform import vitals
from nightmarket.platform.access import SYSTEM, IssuedKey, Keys, NewKey, Scope
from nightmarket.platform.database import Database
from nightmarket.platform.deeds import Acted
from nightmarket.platform.facts import Facts
from nightmarket.platform.settings import Settings
from nightmarket.rehearsal import store
from nightmarket.rehearsal.contract import Auditor
from nightmarket.rehearsal.errors import NotRehearsed
from nightmarket.rehearsal.faults import Target
from nightmarket.rehearsal.play.brief import GOODS_LIMIT, Good
from nightmarket.rehearsal.policies import KEPT_APART
from nightmarket.rehearsal.records import Plan
from nightmarket.rehearsal.verdict import Judge
from nightmarket.tally.contract import Adjustment, Tallies

TEST_PROVIDER = "testpay"
HOT_UNITS = 50
"""Units of the hottest article in a shop that was opened for the rehearsal: it shall sell out."""

LINES_PER_ORDER = 2.5
"""Articles in an order, on average and rounded up, by which such a shop's shelves are filled."""

SPARE_UNITS = 20
SHELF_ROWS = 500


class Article(msgspec.Struct, frozen=True):
    """What is played for: as shoppers know it, and the tallies that count it."""

    good: Good
    tallies: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A shop that is rehearsed, joined in bootstrap."""

    settings: Settings
    database: Database
    catalog: Catalog
    stock: StockBooks
    tallies: Tallies
    orders: Orders
    books: OrderBooks
    keys: Keys
    facts: Facts
    clock: Clock
    ids: Ids
    audit: Auditor
    judge: Judge
    handlers: frozenset[str]
    """Payment handlers of the shop."""
    lag: Callable[[], Awaitable[float]]
    target: Callable[[int], Target]
    note_capacity: Callable[[float, str, bool], Awaitable[None]]
    """Called with the orders per second that were shown to be possible, by which run, and whether it may be more: for
    the waiting room's pace."""


async def check_apart(house: House) -> None:
    """Raises NotRehearsed where an order of a rehearsal could reach something real."""
    if not house.handlers >= {TEST_PROVIDER, TRANSFER}:
        raise NotRehearsed(
            "This shop has no test provider, so a rehearsal's orders could only be paid with real money. "
            "Rehearse in a shop of its own: leave out --against."
        )
    async with house.database.read() as connection:
        names = {one.name for one in await vitals.consumers(connection)}
    strangers = sorted(names - KEPT_APART.keys())
    if strangers:
        raise NotRehearsed(
            f"{', '.join(strangers)} hears of orders, and is not known to keep those of a rehearsal inside "
            "(nightmarket/rehearsal/policies.py). Rehearse in a shop of its own: leave out --against."
        )


async def open_run(house: House, id: UUID, plan: Plan) -> IssuedKey:
    """A key for this run alone, and its row; who asked is written down."""
    wanted = NewKey(f"rehearsal {plan.run}", frozenset({Scope.CHECKOUT, Scope.REHEARSAL}))
    (issued,) = await house.keys.issue(SYSTEM, [wanted])
    async with house.database.transaction() as tx:
        await store.insert_run(tx, id, issued.key.id, plan, house.clock.now())
        detail = f"seed {plan.seed}, {plan.minutes:g} min, {plan.peak:g} orders a second"
        deed = Acted(SYSTEM.id, plan.asked_by, "rehearsal.begin", plan.run, detail)
        await house.facts.append(tx, [deed], house.clock.now())
    return issued


async def assortment(house: House, currency: str, seed: int) -> list[Article]:
    """What is for sale here, the hottest first; which that is follows from the seed. Raises NotRehearsed."""
    variants: list[UUID] = []
    after = ""
    async with house.database.read() as connection:
        while len(variants) < GOODS_LIMIT * 2:
            rows = await house.stock.stock_rows(connection, merchant=None, after=after, limit=SHELF_ROWS)
            variants += [row.variant for row in rows]
            if len(rows) < SHELF_ROWS:
                break
            after = rows[-1].cursor
    listings: Mapping[UUID, Listing] = await house.catalog.listings(dict.fromkeys(variants))
    found = [_article(one) for one in listings.values() if _sold(one, currency)]
    if not found:
        raise NotRehearsed(f"Nothing is for sale here in {currency}, so there is nothing to rehearse.")
    found.sort(key=lambda one: one.good.item)
    random.Random(f"goods {seed}").shuffle(found)  # noqa: S311 (a play, no secrets)
    return found[:GOODS_LIMIT]


async def fill_shelves(house: House, articles: Sequence[Article], orders: int, run: UUID) -> None:
    """In a shop of the rehearsal's own: few of the hottest, and enough of everything else."""
    picks, amount = orders * LINES_PER_ORDER, len(articles)
    wanted = {
        one.tallies[0]: HOT_UNITS
        if index == 0
        else SPARE_UNITS + round(picks * (((index + 1) / amount) ** (1 / 3) - (index / amount) ** (1 / 3)))
        for index, one in enumerate(articles)
    }
    now = house.clock.now()
    async with house.database.transaction() as tx:
        levels = await house.tallies.levels(tx, wanted)
        changes = [
            Adjustment(derive("rehearsal-stock", run, tally), tally, units - levels[tally].available, "a rehearsal")
            for tally, units in sorted(wanted.items())
            if tally in levels and units != levels[tally].available
        ]
        await house.tallies.adjust(tx, changes, now)


async def stock_left(house: House, tallies: Sequence[UUID]) -> int:
    """Units free of all that is played for."""
    async with house.database.read() as connection:
        levels = await house.tallies.levels(connection, tallies)
    return sum(level.available for level in levels.values())


def _sold(listing: Listing, currency: str) -> bool:
    return bool(listing.for_sale and listing.kind is ProductKind.GOODS and currency in listing.prices and listing.stock)


def _article(listing: Listing) -> Article:
    title = pick(listing.title, "en") or listing.sku
    good = Good(
        item=encode("var", listing.variant),
        page=f"/products/{listing.slug}",
        word=title.split()[0],
        merchant=listing.merchant.hex,
        category=listing.category,
    )
    return Article(good, tuple(stock.tally for stock in listing.stock))
