"""Orders whose money is held are settled, each perhaps for less than was reserved. `cancel_order` gives others up."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.orders import store
from nightmarket.orders.contract import OrderRow
from nightmarket.orders.model.giving_back import by_wallet_less, lessened_waiting
from nightmarket.orders.model.order import OrderState, claim_id, is_held, paid_by_wallet, provider_of, sale_of
from nightmarket.orders.model.repricing import repriced
from nightmarket.payments.contract import Authorisation, Outcome, PaymentState

from .means import Means
from .settling import SettleBatch, Settled, Settlement, Taken


class HoldDesk:
    """Settles orders that hold money, in sets."""

    def __init__(self, means: Means, settles: SettleBatch) -> None:
        self._means = means
        self._settles = settles

    async def settle_held(self, orders: Mapping[UUID, tuple[str, str]]) -> Sequence[UUID]:
        """Settle those of these orders whose money is held; each with the first of two entitlements exchanged for the
        second, at the price of when it was placed. Returns those that are paid, now or before. Safe to repeat."""
        means = self._means
        async with means.database.read() as connection:
            found = await store.orders(connection, list(orders))
            payments = {one.id: one for one in await means.payments.of_orders(connection, list(found))}
        listings = await means.catalog.listings(
            {line.variant for rows in found.values() for row in rows for line in row.body.lines}
        )
        paid = [id for id, rows in found.items() if rows[0].state is OrderState.PAID]
        settlements: list[Settlement] = []
        for id, rows in found.items():
            first = rows[0]
            payment = payments.get(claim_id(id, first.attempt))
            if first.state is not OrderState.PENDING or not is_held(first.handler) or payment is None:
                continue
            if payment.state is not PaymentState.HELD and payment.amount:
                continue
            before = sale_of(id, claim_id(id, first.attempt), rows)
            priced = repriced(rows, listings, await means.books.at(first.body.book), orders[id])
            now = lessened_waiting(rows, priced)
            settlements.append(
                _settlement(
                    now,
                    Authorisation(
                        payment.reference,
                        Outcome.APPROVED,
                        payment.reference,
                        sum(row.total for row in now) - paid_by_wallet(now),
                        first.currency,
                    ),
                    Taken(now, before, by_wallet_less(first.body.wallet, now[0].body.wallet)),
                )
            )
        done = await asyncio.gather(*(self._settles.settle(one) for one in settlements))
        return [*paid, *(one.order for one, state in zip(settlements, done, strict=True) if state is Settled.PAID)]


def _settlement(rows: tuple[OrderRow, ...], said: Authorisation, taken: Taken) -> Settlement:
    first = rows[0]
    sale = sale_of(first.id, claim_id(first.id, first.attempt), rows)
    return Settlement(first.id, first.attempt, said, provider_of(first.handler), sale, taken=taken)
