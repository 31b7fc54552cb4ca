"""Consumers of facts: they note what has to be looked at, in the transaction that moves their cursor."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import MerchantChanged, ProductChanged
from nightmarket.claims.contract import ClaimsMade
from nightmarket.discovery.store import queues
from nightmarket.kernel.clock import Clock
from nightmarket.orders.contract import OrdersPlaced, PlacedLine
from nightmarket.platform.access import is_shadow
from nightmarket.platform.aside import Aside, Chore
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.subscriptions import Subscription
from nightmarket.tally.contract import TallyAdjusted, TallyEmptied

from .indexing import StoredIndexer

SALES = "search-sales"
SALES_AT_ONCE = 100
"""Pieces that are counted together; each is what was sold in some batches of orders."""

_PACK = msgspec.msgpack.Encoder(uuid_format="bytes")
_SOLD = msgspec.msgpack.Decoder(tuple[str, list[tuple[UUID, int]]])

OPENED = "opened"
"""Why a tally was adjusted that is new: its product is indexed anyway."""


class Placed(msgspec.Struct, frozen=True):
    """Of a placed order what counts here; the rest is not even read."""

    owner: UUID
    lines: tuple[PlacedLine, ...]


def catalog_follower(indexer: StoredIndexer, clock: Clock) -> Subscription:
    """Products that changed, and those of merchants that changed, wait to be indexed."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        products: set[UUID] = set()
        merchants: set[UUID] = set()
        for fact in facts:
            if fact.kind == ProductChanged.kind:
                products.update(one.product for one in fact.read(ProductChanged))
            else:
                merchants.update(one.merchant for one in fact.read(MerchantChanged))
        await queues.mark_changed(tx, products, clock.now())
        await indexer.mark_merchants(tx, sorted(merchants))

    return Subscription("search-catalog", (ProductChanged.kind, MerchantChanged.kind), handle)


def sales_follower(aside: Aside) -> Subscription:
    """Units ordered, and those that other shops claim, count for popularity on their day (UTC); those of a rehearsal
    don't. What was sold is set aside: the more waits, the more of it is one sum per product."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        sold: dict[str, Counter[UUID]] = {}
        for fact in facts:
            units = sold.setdefault(fact.at.date().isoformat(), Counter())
            if fact.kind == ClaimsMade.kind:
                for line in (line for claim in fact.read(ClaimsMade) for line in claim.lines):
                    if line.product is not None:
                        units[line.product] += line.quantity
                continue
            for order in fact.read(Placed):
                for line in order.lines if not is_shadow(order.owner) else ():
                    units[line.product] += line.quantity
        pieces = [(len(units), _PACK.encode((day, list(units.items())))) for day, units in sold.items() if units]
        await aside.put(tx, SALES, pieces)

    return Subscription("search-sales", (OrdersPlaced.kind, ClaimsMade.kind), handle, joint=True)


def sales_chore() -> Chore:
    """Counts what was set aside, and has its products looked at."""

    async def count(tx: Connection, pieces: Sequence[bytes]) -> None:
        units: Counter[tuple[UUID, date]] = Counter()
        for piece in pieces:
            day, sold = _SOLD.decode(piece)
            on_day = date.fromisoformat(day)
            for product, amount in sold:
                units[product, on_day] += amount
        await queues.add_sales(tx, units)
        await queues.touch(tx, {product for product, _ in units})

    return Chore(SALES, count, SALES_AT_ONCE)


def stock_follower() -> Subscription:
    """Goods whose stock was counted anew, or of which the last was ordered, are looked at."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        changed: set[UUID] = set()
        for fact in facts:
            if fact.kind == TallyEmptied.kind:
                changed.update(one.tally for one in fact.read(TallyEmptied))
            else:
                changed.update(one.tally for one in fact.read(TallyAdjusted) if one.cause != OPENED)
        await queues.touch_counted(tx, sorted(changed))

    return Subscription("search-stock", (TallyAdjusted.kind, TallyEmptied.kind), handle)
