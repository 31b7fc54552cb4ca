"""This shop's own paid orders as past carts: their lines at the list prices of their day, for who bought them."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.orders.contract import BoardFilter, OrderRow, OrderState
from nightmarket.promotions.contract import PriceCart, PriceLine, ShippingLine, Shopper
from nightmarket.promotions.contract.simulations import PastCart

MOST_ORDERS = 100_000
"""Of one simulation: the newest."""

PAGE = 200


async def count(shop: Shop, since: datetime) -> int:
    """How many orders it will be."""
    async with shop.database.transaction() as tx:
        figures = await shop.order_books.figures(tx, since)
    return min(MOST_ORDERS, sum(one.orders for one in figures if one.state is OrderState.PAID))


async def past_carts(shop: Shop, since: datetime) -> AsyncGenerator[list[PastCart]]:
    """Orders that are paid and were not cancelled, newest first, at most MOST_ORDERS."""
    before: tuple[datetime, UUID] | None = None
    done = 0
    while done < MOST_ORDERS:
        async with shop.database.read() as connection:
            chosen = BoardFilter(state=OrderState.PAID)
            page = await shop.order_books.board(connection, chosen, before=before, limit=PAGE)
            wanted = [one.id for one in page if one.placed_at >= since]
            rows = await shop.order_books.rows(connection, wanted)
        listings = await shop.catalog.listings(
            {line.variant for r in rows.values() for o in r for line in o.body.lines}
        )
        goods = {id: (one.category, one.brand) for id, one in listings.items()}
        yield [_cart(rows[id], goods) for id in wanted if id in rows]
        done += len(wanted)
        if len(wanted) < PAGE:
            return
        before = (page[-1].placed_at, page[-1].id)


def _cart(rows: Sequence[OrderRow], goods: dict[UUID, tuple[str, str]]) -> PastCart:
    first = rows[0]
    known = first.body.known
    shopper = Shopper(
        id=first.owner,
        region=first.body.destination.country,
        segments=frozenset(known.segments),
        language=first.body.language,
        channel=known.channel,
        places=frozenset(known.places),
        first_order=known.first_order,
        entitlements=frozenset(known.entitlements),
    )
    lines = tuple(
        PriceLine(
            line.id,
            line.variant,
            line.product,
            row.merchant,
            *goods.get(line.variant, ("", "")),
            line.quantity,
            line.unit_price,
        )
        for row in rows
        for line in row.body.lines
    )
    shipping = tuple(
        ShippingLine(row.merchant, row.body.shipping.option, row.body.shipping.amount)
        for row in rows
        if row.body.shipping is not None
    )
    return PastCart(encode("ord", first.id), PriceCart(first.currency, lines, shipping, first.body.codes), shopper)
