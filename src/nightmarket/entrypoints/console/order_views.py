"""Orders in lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import OrderState, OrderSummary

from .desk import Desk
from .words import STATES


class OrderView(msgspec.Struct, frozen=True):
    """A row of a list of orders."""

    id: str
    placed_at: datetime
    state: str
    tone: str
    currency: str
    total: int
    handler: str
    merchants: int

    @property
    def short(self) -> str:
        """The letters that tell orders apart at a glance."""
        return self.id[-8:]


def summaries_of(desk: Desk, orders: Sequence[OrderSummary]) -> list[OrderView]:
    """Orders as rows of a list."""
    views: list[OrderView] = []
    for order in orders:
        word, tone = state_of(desk, order.state)
        id = encode("ord", order.id)
        views.append(
            OrderView(id, order.placed_at, word, tone, order.currency, order.total, order.handler, order.merchants)
        )
    return views


def state_of(desk: Desk, state: OrderState) -> tuple[str, str]:
    """The word and the tone of a state."""
    word, tone = STATES[state]
    return desk.say(word), tone


async def merchant_names(desk: Desk) -> Mapping[UUID, str]:
    """Each merchant's name; for a merchant's person their own."""
    known = await desk.shop.catalog.merchants()
    return {merchant.id: merchant.name for merchant in known if desk.merchant in (None, merchant.id)}


def cursor_of(order: OrderSummary) -> str:
    """Where a page ends, for the address of the next one."""
    return f"{order.placed_at.isoformat()}~{encode('ord', order.id)}"


def read_cursor(text: str, prefix: str = "ord") -> tuple[datetime, UUID] | None:
    """The end of the page before; raises InvalidInput for what is none."""
    if not text:
        return None
    at, _, order = text.replace(" ", "+").partition("~")
    try:
        placed_at = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidInput("That is not the end of a page of orders.", field="before") from None
    if placed_at.tzinfo is None:
        raise InvalidInput("That is not the end of a page of orders.", field="before")
    return placed_at, decode(prefix, order)
