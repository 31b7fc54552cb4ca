"""Red packets: sent to everybody of an audience in sets, or opened by whoever comes until they are empty."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import Problem
from nightmarket.payments.contract.wallets import (
    Audience,
    Source,
    SourceKind,
    WalletSourceChanged,
    packet_parts,
)
from nightmarket.payments.errors import PacketNotOpened, WalletNotFound
from nightmarket.payments.model.wallets import lot_id
from nightmarket.payments.store import wallet_sources as sources
from nightmarket.payments.store import wallets as lots
from nightmarket.payments.store.wallets import LotRow
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit

from .wallet_giving import Gift, Giving, WalletMeans

SET = 200
"""Accounts that a packet is sent to in one transaction."""

REASONS = {
    "ahead": "This red packet is opened later.",
    "over": "This red packet is over.",
    "empty": "This red packet is empty: others were quicker.",
}


class Opening(msgspec.Struct, frozen=True):
    """An account's wish to open a packet."""

    source: UUID
    account: UUID


class PacketDesk:
    """Sends and opens packets."""

    def __init__(self, means: WalletMeans, giving: Giving) -> None:
        self._means, self._giving = means, giving
        self.lane: GroupCommit[Opening, LotRow] = GroupCommit("red-packets", means.database, self._open)

    async def step(self) -> int:
        """Send the next set of a packet."""
        now = self._means.clock.now()
        async with self._means.database.transaction() as tx:
            taken = await sources.take_packet(tx, now)
            if taken is None:
                return 0
            source, after = taken
            accounts = await self._audience(tx, source, after)
            chosen = await self._fitting(tx, source, [account for account, is_open in accounts if is_open])
            gifts = [Gift(source, source.id, account, source.terms.amount) for account in chosen]
            promised = await self._giving.promise(tx, gifts, whole=True)
            await self._giving.make_lots(tx, [gift for gift in gifts if gift.claim in promised])
            is_done = len(accounts) < SET or len(promised) < len(gifts)
            await sources.sent(tx, source.id, accounts[-1][0] if accounts else after, now if is_done else None)
            if is_done:
                await self._means.facts.append(tx, [WalletSourceChanged(source.id, "sent")], now)
        return len(accounts) or 1

    async def _audience(self, tx: Connection, source: Source, after: UUID) -> Sequence[tuple[UUID, bool]]:
        if source.terms.audience is Audience.LISTED:
            return [(account, True) for account in await sources.listed_after(tx, source.id, after, SET)]
        return await self._means.people.after(tx, after, SET)

    async def _fitting(self, tx: Connection, source: Source, accounts: Sequence[UUID]) -> Sequence[UUID]:
        festival = source.terms.festival
        if source.terms.audience is not Audience.NO_OFFER or festival is None or not accounts:
            return accounts
        used = await sources.used(tx, festival, accounts)
        return [account for account in accounts if account not in used]

    async def _open(self, tx: Connection, items: Sequence[Opening]) -> Sequence[LotRow | Problem]:
        found: dict[UUID, Source] = {}
        for id in sorted({item.source for item in items}):
            source = await sources.one(tx, id, lock=True)
            if source is not None and source.terms.kind is SourceKind.OPEN:
                found[id] = source
        wishes = [item for item in items if item.source in found]
        before = await lots.some(tx, [_lot_of(item) for item in wishes])
        given = await self._give(tx, [one for one in dict.fromkeys(wishes) if _lot_of(one) not in before], found)
        have = {**before, **given}
        now = self._means.clock.now()
        return [have.get(_lot_of(item)) or _refusal(found.get(item.source), now) for item in items]

    async def _give(
        self, tx: Connection, wishes: Sequence[Opening], found: Mapping[UUID, Source]
    ) -> Mapping[UUID, LotRow]:
        now = self._means.clock.now()
        opened = {id: source.opened for id, source in found.items()}
        gifts: list[Gift] = []
        for wish in wishes:
            source = found[wish.source]
            terms = source.terms
            number = opened[source.id]
            if source.is_open(now) and number < terms.parts:
                parts = packet_parts(source.secret, terms.budget, terms.parts, terms.at_least)
                gifts.append(Gift(source, source.id, wish.account, parts[number], number + 1))
                opened[source.id] = number + 1
        if not gifts:
            return {}
        promised = await self._giving.promise(tx, gifts, whole=True)
        made = await self._giving.make_lots(tx, [gift for gift in gifts if gift.claim in promised])
        for id in {gift.source.id for gift in gifts}:
            await sources.opened(tx, id, opened[id])
        return {row.id: row for row in made}


def _lot_of(item: Opening) -> UUID:
    return lot_id(item.source, item.source, item.account)


def _refusal(source: Source | None, now: datetime) -> Problem:
    if source is None:
        return WalletNotFound("There is no such red packet.", field="id")
    if source.ended_at is not None or now >= source.terms.until:
        reason = "over"
    else:
        reason = "ahead" if now < source.terms.since else "empty"
    return PacketNotOpened(REASONS[reason], reason=reason)
