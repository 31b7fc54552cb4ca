"""What paid orders earn, when it is credited, and what becomes of it when an order is cancelled.

A wallet never shows less than nothing. What was credited for an order that is cancelled is taken out of the lot that it
made; what of it was spent by then is owed, and comes out of later cashback of the same giver.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.payments.contract.wallets import GRACE, PaidOrder, Source, SourceKind
from nightmarket.payments.model.wallet_postings import TAKEN
from nightmarket.payments.model.wallets import cashback, lot_id, net_of_debt
from nightmarket.payments.store import wallet_earnings as store
from nightmarket.payments.store import wallet_sources as sources
from nightmarket.payments.store import wallets as lots
from nightmarket.payments.store.wallet_earnings import CREDITED, DROPPED, TAKEN_BACK, WAITING, Earning
from nightmarket.payments.store.wallets import LotRow
from nightmarket.platform.database import Connection

from .wallet_giving import Gift, Giving, WalletMeans

SET = 200
"""Earnings that are credited in one transaction."""

LATE = timedelta(days=4)
"""How long after a campaign's end orders may be paid that were placed within it: bank transfers take days."""


class EarningDesk:
    """Follows orders."""

    def __init__(self, means: WalletMeans, giving: Giving) -> None:
        self._means, self._giving = means, giving

    async def earn(self, tx: Connection, orders: Sequence[PaidOrder]) -> int:
        now = self._means.clock.now()
        known = {(one.order_id, one.source) for one in await store.of_orders(tx, [one.order for one in orders])}
        campaigns = await sources.giving(tx, SourceKind.CASHBACK, now, now - LATE)
        gifts = [
            Gift(campaign, order.order, order.account, amount)
            for order in orders
            for campaign in campaigns
            if (order.order, campaign.id) not in known and (amount := _earned(campaign, order)) > 0
        ]
        if not gifts:
            return 0
        promised = await self._giving.promise(tx, gifts, whole=False)
        earnings = [
            Earning(
                gift.source.id,
                gift.about,
                gift.account,
                promised[gift.claim],
                WAITING,
                now + timedelta(days=gift.source.terms.credit_days),
            )
            for gift in gifts
            if gift.claim in promised
        ]
        await store.insert(tx, earnings)
        await self._credit(tx, [one for one in earnings if one.credit_at <= now])
        return len(earnings)

    async def step(self) -> int:
        """Credit what is due."""
        async with self._means.database.transaction() as tx:
            due = await store.take_due(tx, self._means.clock.now(), SET)
            await self._credit(tx, due)
        return len(due)

    async def _credit(self, tx: Connection, earnings: Sequence[Earning]) -> None:
        """Turn what was earned into lots, less what is owed to the same giver."""
        if not earnings:
            return
        owed = await store.owed(tx, [one.account for one in earnings])
        found = await sources.some(tx, [one.source for one in (*earnings, *owed)])
        changed: dict[tuple[UUID, UUID], Earning] = {}
        gifts: list[Gift] = []
        for one in earnings:
            source, amount, settled = found[one.source], one.amount, 0
            for debt in owed:
                debt = changed.get((debt.source, debt.order_id), debt)  # noqa: PLW2901
                if debt.account != one.account or not _same_giver(found[debt.source], source):
                    continue
                amount, paid = net_of_debt(amount, debt.owed)
                settled += paid
                changed[debt.source, debt.order_id] = msgspec.structs.replace(debt, owed=debt.owed - paid)
            done = msgspec.structs.replace(one, state=CREDITED, settled=settled)
            changed[one.source, one.order_id] = done
            gifts.append(Gift(source, one.order_id, one.account, amount))
        await store.change(tx, list(changed.values()))
        await self._giving.make_lots(tx, gifts)
        back = [
            (found[one.source], one.account, one.settled, derive("wallet_settled", one.source, one.order_id))
            for one in changed.values()
            if one.state == CREDITED and one.settled
        ]
        await self._giving.give_back(tx, back)

    async def give_up(self, tx: Connection, orders: Mapping[UUID, Sequence[UUID]]) -> None:
        """Orders that are over, each with the lots that had paid of it: what they earned is dropped or taken back."""
        back = {id for some in orders.values() for id in some}
        await self.come_back(tx, back, await store.of_orders(tx, list(orders)))

    async def come_back(self, tx: Connection, ids: Collection[UUID], earned: Sequence[Earning]) -> None:
        """Money came back into these lots: it is taken where it is owed, or may be spent for a while if its end has
        come. `earned` is given up besides."""
        restored = await lots.some(tx, ids, lock=True)
        await self._let_be_spent(tx, list(restored.values()))
        owing = await store.owed(tx, {lot.account for lot in restored.values()}) if restored else []
        of_lots = {lot.about for lot in restored.values()}
        wanted = {(one.source, one.order_id): one for one in (*owing, *earned)}
        chosen = [
            one for one in wanted.values() if one.state in (WAITING, CREDITED) or (one.owed and one.order_id in of_lots)
        ]
        if chosen:
            await self._take_back(tx, chosen)

    async def _let_be_spent(self, tx: Connection, restored: Sequence[LotRow]) -> None:
        now = self._means.clock.now()
        longer: list[LotRow] = []
        for lot in restored:
            until = now + GRACE if lot.spend_until <= now else lot.spend_until
            if until != lot.spend_until or lot.due_at is None:
                longer.append(msgspec.structs.replace(lot, spend_until=until, due_at=until))
        if longer:
            await lots.change(tx, longer)

    async def _take_back(self, tx: Connection, earnings: Sequence[Earning]) -> None:
        found = await sources.some(tx, [one.source for one in earnings])
        rows = await lots.some(tx, [_lot_of(one) for one in earnings if one.state != WAITING], lock=True)
        wanted = {
            _lot_of(one): one.owed if one.state == TAKEN_BACK else one.amount - one.settled
            for one in earnings
            if _lot_of(one) in rows
        }
        taken = await self._giving.take(tx, list(rows.values()), wanted, found, TAKEN)
        changed: list[Earning] = []
        back: list[tuple[Source, UUID, int, UUID]] = []
        for one in earnings:
            got = taken.get(_lot_of(one), 0)
            changed.append(_given_up(one, got))
            amount = one.amount if one.state == WAITING else got
            cause = derive("wallet_back", one.source, one.order_id, one.taken + got)
            back.append((found[one.source], one.account, amount, cause))
        await store.change(tx, changed)
        await self._giving.give_back(tx, back)


def _earned(campaign: Source, order: PaidOrder) -> int:
    terms, money = campaign.terms, campaign.terms.money
    if order.currency != money.currency or not terms.since <= order.placed_at < terms.until:
        return 0
    return cashback(
        terms, sum(one.amount for one in order.goods if money.funder is None or one.merchant == money.funder)
    )


def _same_giver(one: Source, other: Source) -> bool:
    mine, theirs = one.terms.money, other.terms.money
    return (mine.funder, mine.currency) == (theirs.funder, theirs.currency)


def _lot_of(one: Earning) -> UUID:
    return lot_id(one.source, one.order_id, one.account)


def _given_up(one: Earning, got: int) -> Earning:
    """An earning whose order is over, once that much of it was found."""
    change = msgspec.structs.replace
    if one.state == WAITING:
        return change(one, state=DROPPED)
    if one.state == CREDITED:
        return change(one, state=TAKEN_BACK, taken=got, owed=one.amount - got)
    return change(one, taken=one.taken + got, owed=one.owed - got)
