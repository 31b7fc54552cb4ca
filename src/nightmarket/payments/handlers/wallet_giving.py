"""Wallet money comes and goes: budgets are claimed, lots are made, their money goes back to who gave it.

Lock order: rows of sources, earnings and lots by their callers, then lots' tallies, then budgets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.payments.contract import Journal
from nightmarket.payments.contract.wallets import AccountPages, Source, WalletGiven
from nightmarket.payments.model.wallet_postings import GIVEN, LotMove, lot_moved
from nightmarket.payments.model.wallets import budget_tally, gift_claim, lot_id, share_tally
from nightmarket.payments.store import wallets as store
from nightmarket.payments.store.wallets import LotRow
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.messages import Outbox
from nightmarket.tally.contract import (
    RESTOCK,
    Adjustment,
    ClaimRequest,
    Grant,
    NewTally,
    Part,
    Tallies,
    TallyKind,
)

DEADLINE = timedelta(minutes=1)
"""Of claims that are settled in the transaction that makes them."""

REMIND_BEFORE = timedelta(days=3)
"""How long before money is over its owner is reminded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletMeans:
    """What wallets work with. `address` is the shop's, for links in mails."""

    database: Database
    tallies: Tallies
    journal: Journal
    facts: Facts
    outbox: Outbox
    people: AccountPages
    clock: Clock
    secret: bytes
    address: str


class Gift(msgspec.Struct, frozen=True):
    """Money that an account is to get of a source, about an order or the source itself."""

    source: Source
    about: UUID
    account: UUID
    amount: int
    part: int = 0

    @property
    def claim(self) -> UUID:
        return gift_claim(self.source.id, self.about, self.account)

    @property
    def lot(self) -> UUID:
        return lot_id(self.source.id, self.about, self.account)


class Giving:
    """Moves money between budgets, lots and the journal, always the three together."""

    def __init__(self, means: WalletMeans) -> None:
        self._means = means

    async def promise(self, tx: Connection, gifts: Sequence[Gift], *, whole: bool) -> Mapping[UUID, int]:
        """Take gifts from their budgets and from what each account may have, in order; the amounts by claim, without
        those that get nothing. Unless `whole`, somebody gets what is left where it is less. The claim keeps it spent.
        """
        if not gifts:
            return {}
        means, now = self._means, self._means.clock.now()
        caps = {
            share_tally(gift.source.id, gift.account): gift.source.terms.per_account
            for gift in gifts
            if gift.source.terms.per_account
        }
        await means.tallies.open_limits(tx, caps, now)
        ledger = await means.tallies.lock(tx, {budget_tally(gift.source.id) for gift in gifts} | caps.keys())
        done: dict[UUID, int] = {}
        for gift in gifts:
            budget, share = budget_tally(gift.source.id), share_tally(gift.source.id, gift.account)
            tallies = (budget, share) if share in caps else (budget,)
            amount = min(gift.amount, *(ledger.free(tally) for tally in tallies))
            if amount <= 0 or (whole and amount < gift.amount):
                continue
            request = ClaimRequest(gift.claim, tuple(Part(tally, amount) for tally in tallies), now + DEADLINE)
            if isinstance(ledger.claim(request), Grant):
                done[gift.claim] = amount
        await means.tallies.write(tx, ledger, now)
        await means.tallies.settle(tx, list(done))
        return done

    async def give_back(self, tx: Connection, back: Sequence[tuple[Source, UUID, int, UUID]]) -> None:
        """Let amounts return to budgets, and to what their accounts may have: (source, account, amount, cause)."""
        changes: list[Adjustment] = []
        for source, account, amount, cause in back:
            if amount:
                changes.append(Adjustment(cause, budget_tally(source.id), amount, RESTOCK))
                if source.terms.per_account:
                    changes.append(Adjustment(cause, share_tally(source.id, account), amount, RESTOCK))
        await self._means.tallies.adjust(tx, changes, self._means.clock.now())

    async def make_lots(self, tx: Connection, gifts: Sequence[Gift]) -> Sequence[LotRow]:
        """Make the lots of gifts that were promised; those that are new."""
        means, now = self._means, self._means.clock.now()
        rows = [_row(gift, now) for gift in gifts if gift.amount > 0]
        if not rows:
            return []
        new = await store.insert(tx, rows)
        made = [row for row in rows if row.id in new]
        funders = {gift.lot: gift.source.terms.money.funder for gift in gifts}
        await means.tallies.open(tx, [NewTally(row.id, TallyKind.WALLET, row.amount) for row in made], now)
        moves = [LotMove(row.id, funders[row.id], row.currency, GIVEN, row.amount) for row in made]
        await means.journal.post_once(tx, [lot_moved(move, now) for move in moves])
        await means.facts.append(tx, [WalletGiven(row.source, row.amount, row.currency) for row in made], now)
        return made

    async def take(
        self,
        tx: Connection,
        lots: Sequence[LotRow],
        wanted: Mapping[UUID, int],
        sources: Mapping[UUID, Source],
        kind: str,
    ) -> Mapping[UUID, int]:
        """Take up to the wanted amounts out of lots that are locked; what is reserved or spent stays. Returns what was
        taken by lot, once it is the funder's."""
        means, now = self._means, self._means.clock.now()
        levels = await means.tallies.levels(tx, [lot.id for lot in lots])
        asked = {lot.id: min(wanted[lot.id], levels[lot.id].available) for lot in lots}
        causes = {lot.id: derive(kind, lot.id, lot.changes) for lot in lots}
        done = await means.tallies.adjust(
            tx, [Adjustment(causes[id], id, -amount, kind) for id, amount in asked.items() if amount > 0], now
        )
        taken = {lot.id: asked[lot.id] if done.get(causes[lot.id]) else 0 for lot in lots}
        changed = [lot for lot in lots if taken[lot.id]]
        moves = [
            LotMove(lot.id, sources[lot.source].terms.money.funder, lot.currency, kind, -taken[lot.id], lot.changes)
            for lot in changed
        ]
        await means.journal.post_once(tx, [lot_moved(move, now) for move in moves])
        await store.change(tx, [msgspec.structs.replace(lot, changes=lot.changes + 1) for lot in changed])
        return taken


def _row(gift: Gift, now: datetime) -> LotRow:
    money = gift.source.terms.money
    remind_at = money.spend_until - REMIND_BEFORE
    return LotRow(
        gift.lot,
        gift.account,
        gift.source.id,
        gift.about,
        gift.amount,
        money.currency,
        money.spend_from,
        money.spend_until,
        now,
        gift.part,
        remind_at if remind_at > max(now, money.spend_from) else money.spend_until,
    )
