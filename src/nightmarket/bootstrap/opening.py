"""A shop that is open: its caches follow the facts, its figures are published."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from nightmarket.catalog.contract import MerchantChanged, ProductChanged, ReferenceChanged
from nightmarket.gate.contract import RoomChanged
from nightmarket.kernel.clock import Clock, SystemClock
from nightmarket.kernel.ids import Ids, SystemIds, derive
from nightmarket.kernel.problems import Defect
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.platform.database import COMMITTERS, Database
from nightmarket.platform.facts import Fact, make_partitions
from nightmarket.platform.settings import Settings
from nightmarket.platform.tail import Tail
from nightmarket.platform.telemetry import Exchange, Metrics
from nightmarket.promotions.contract import OfferPublished, OfferRetired
from nightmarket.promotions.contract.festivals import FestivalChanged
from nightmarket.promotions.contract.groups import GroupOfferChanged
from nightmarket.promotions.contract.presales import PresaleChanged
from nightmarket.promotions.contract.surprises import SurpriseChanged
from nightmarket.promotions.contract.switches import SwitchesChanged
from nightmarket.stage.contract import PageSaved
from nightmarket.tally.contract import TallyEmptied

from .joining import join
from .shop import Shop


@asynccontextmanager
async def open_shop(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    faults: Faults = NO_FAULTS,
    application: str = "nightmarket",
    committers: int = COMMITTERS,
) -> AsyncGenerator[Shop]:
    """A shop around `settings.database_url`; its caches follow the facts until the block ends."""
    if settings.database_url is None or settings.secret is None:
        raise Defect("a shop opens with a database and a secret")
    clock = clock or SystemClock()
    database = await Database.open(settings.database_url, committers=committers, application=application)
    await database.fill()
    shop = join(settings, database, clock, ids or SystemIds(clock), faults)
    kinds = [ProductChanged.kind, MerchantChanged.kind, ReferenceChanged.kind, OfferPublished.kind, OfferRetired.kind]
    kinds.extend((PageSaved.kind, RoomChanged.kind, TallyEmptied.kind, FestivalChanged.kind, SwitchesChanged.kind))
    kinds.extend((SurpriseChanged.kind, GroupOfferChanged.kind, PresaleChanged.kind))
    tail = Tail(database, kinds, lambda news: _hear(shop, news))
    async with database.transaction() as tx:
        await make_partitions(tx, clock.now())
    await tail.start()
    await shop.signing.ensure()
    await shop.books.refresh()
    await shop.pages.refresh()
    await shop.gates.refresh()
    await shop.festivals.refresh()
    await shop.switches.refresh()
    await shop.gone.start()
    looking = [asyncio.create_task(run, name="gone") for run in (shop.hints.run(), shop.gone.run())]
    following = asyncio.create_task(tail.run(), name="caches-follow-facts")
    gating = asyncio.create_task(shop.gates.run(), name="gates")
    try:
        yield shop
    finally:
        following.cancel()
        gating.cancel()
        for task in looking:
            task.cancel()
        await asyncio.gather(following, gating, *looking, return_exceptions=True)
        await shop.gates.close()
        await shop.books.close()
        await shop.draws.close()
        await shop.coupons.close()
        await shop.booklets.close()
        await shop.presale_desk.close()
        await shop.wallets.close()
        await shop.orders.close()
        await shop.outside.close()
        await shop.agents.close()
        await shop.strangers.close()
        await shop.push_outside.close()
        await shop.provider.close()
        await database.close()


def _forget_listings(shop: Shop, fact: Fact) -> None:
    if fact.kind == MerchantChanged.kind:
        shop.catalog.forget_merchants(one.merchant for one in fact.read(MerchantChanged))
    else:
        shop.catalog.forget_categories(one.key for one in fact.read(ReferenceChanged) if one.what == "category")


FESTIVAL_WAYS = derive("ways of the festival")
"""What a kept page speaks of that leads to groups, presales and surprise prices: it changes with any of them."""


def _offered(fact: Fact) -> list[UUID]:
    """Products for which something changed that their pages show."""
    if fact.kind == SurpriseChanged.kind:
        return [one.product for one in fact.read(SurpriseChanged)]
    if fact.kind == GroupOfferChanged.kind:
        return [one.product for one in fact.read(GroupOfferChanged)]
    if fact.kind == PresaleChanged.kind:
        return [one.product for one in fact.read(PresaleChanged) if one.product is not None]
    return []


async def _hear(shop: Shop, facts: Sequence[Fact]) -> None:
    """Caches forget what has changed."""
    changed: list[UUID] = []
    products: list[UUID] = []
    for fact in facts:
        if fact.kind == ProductChanged.kind:
            changed.extend(variant for product in fact.read(ProductChanged) for variant in product.variants)
            products.extend(product.product for product in fact.read(ProductChanged))
        elif fact.kind in (MerchantChanged.kind, ReferenceChanged.kind):
            _forget_listings(shop, fact)
        else:
            offered = _offered(fact)
            products.extend([*offered, FESTIVAL_WAYS] if offered else [])
    if changed:
        shop.catalog.forget(changed)
    if products:
        for forget in shop.on_change:
            forget([*products, *changed])
    if any(fact.kind in (OfferPublished.kind, OfferRetired.kind) for fact in facts):
        await shop.books.refresh()
    shop.hints.heard([one.tally for fact in facts if fact.kind == TallyEmptied.kind for one in fact.read(TallyEmptied)])
    if any(fact.kind == PageSaved.kind for fact in facts):
        await shop.pages.refresh()
    if any(fact.kind == FestivalChanged.kind for fact in facts):
        await shop.festivals.refresh()
    if any(fact.kind == SwitchesChanged.kind for fact in facts):
        await shop.switches.refresh()
    if any(fact.kind == RoomChanged.kind for fact in facts):
        await shop.gates.refresh()


@asynccontextmanager
async def published(shop: Shop, slot: str) -> AsyncGenerator[Exchange]:
    """The figures of this process, told to all processes of the machine while the block runs."""
    metrics = Metrics()
    for lane in (
        *shop.orders.lanes,
        *shop.claims.lanes,
        *shop.gates.lanes,
        shop.draws.tickets,
        shop.coupons.desk.lane,
        shop.presale_desk.claims,
        shop.presale_desk.deposits,
        shop.wallets.packets.lane,
    ):
        metrics.watch_lane(lane)
    exchange = Exchange(shop.settings.home / "metrics", slot, metrics, shop.clock)
    publishing = asyncio.create_task(exchange.keep_publishing(), name="figures")
    try:
        yield exchange
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        exchange.withdraw()
