"""Wallets: sources are made and ended, lots are seen, reminded of, and end."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import derive, encode
from nightmarket.payments.contract.wallets import (
    LOT,
    MAX_LOTS,
    SOURCE,
    CodeLimit,
    CodeUse,
    HeldLot,
    NewSource,
    PaidOrder,
    Source,
    SourceFigures,
    SourceKind,
    WalletEntry,
    WalletSourceChanged,
)
from nightmarket.payments.errors import WalletNotFound, WalletRefused
from nightmarket.payments.model.wallet_postings import EXPIRED
from nightmarket.payments.model.wallets import budget_tally, source_flaws
from nightmarket.payments.store import wallet_codes as codes
from nightmarket.payments.store import wallet_sources as sources
from nightmarket.payments.store import wallets as store
from nightmarket.payments.store.wallets import LotRow
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import NewTally, TallyKind

from .wallet_codes import CodeDesk
from .wallet_earnings import LATE, EarningDesk
from .wallet_giving import Giving, WalletMeans
from .wallet_letters import ending_mail
from .wallet_packets import Opening, PacketDesk

SET = 200
"""Lots that are looked after in one transaction."""

LOOK_AGAIN = timedelta(hours=1)
"""When a lot is looked at again of which an unpaid order still reserves something after its end."""

AUDIT_PAGE = 500
FINDINGS_LIMIT = 100
SECRET_BYTES = 32


class StoredWallets:
    """Implements `contract.wallets.Wallets`."""

    def __init__(self, means: WalletMeans) -> None:
        self._means = means
        self._giving = Giving(means)
        self._earnings = EarningDesk(means, self._giving)
        self.packets = PacketDesk(means, self._giving)
        self._codes = CodeDesk(means.database, means.clock)

    async def close(self) -> None:
        """Wait for what is being written."""
        await self.packets.lane.drain()

    # what operators do

    async def make(self, tx: Connection, new: NewSource, by: str) -> Source:
        known = await sources.one(tx, new.id)
        if known is not None:
            return known
        means, now = self._means, self._means.clock.now()
        found = source_flaws(new.terms, now, len(set(new.listed)))
        if found:
            first, flaws = found[0], [msgspec.to_builtins(flaw) for flaw in found]
            raise WalletRefused(first.detail, field=first.field, reason=first.reason, flaws=flaws)
        seed = [derive("wallet_secret", new.id, half, secret=means.secret).bytes for half in ("first", "second")]
        source = Source(new.id, new.terms, b"".join(seed)[:SECRET_BYTES], now, by)
        if not await sources.insert(tx, source):
            return await self.source(tx, new.id)
        await sources.list_accounts(tx, new.id, new.listed)
        await means.tallies.open(tx, [NewTally(budget_tally(new.id), TallyKind.WALLET, new.terms.budget)], now)
        await means.facts.append(tx, [WalletSourceChanged(new.id, "made")], now)
        return source

    async def end(self, tx: Connection, id: UUID) -> Source:
        source = await sources.one(tx, id, lock=True)
        if source is None:
            raise _unknown()
        if source.ended_at is None:
            now = self._means.clock.now()
            await sources.end(tx, id, now)
            await self._means.facts.append(tx, [WalletSourceChanged(id, "ended")], now)
        return await self.source(tx, id)

    async def source(self, connection: Connection, id: UUID) -> Source:
        found = await sources.one(connection, id)
        if found is None:
            raise _unknown()
        return found

    async def sources(self, connection: Connection, limit: int = 100) -> Sequence[Source]:
        return await sources.newest(connection, limit)

    async def figures(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, SourceFigures]:
        rows = await sources.figures(connection, ids)
        levels = await self._means.tallies.levels(connection, [budget_tally(id) for id in ids])
        returned = await self._means.tallies.returned(connection, [budget_tally(id) for id in ids])
        return {
            row["id"]: SourceFigures(
                given=row["given"],
                accounts=row["accounts"],
                waiting=row["waiting"],
                spent=levels[tally].spent - returned.get(tally, 0) if tally in levels else 0,
            )
            for row in rows
            for tally in (budget_tally(row["id"]),)
        }

    # what shoppers see and do

    async def lots(self, connection: Connection, account: UUID) -> Sequence[HeldLot]:
        return await self._held(connection, await store.of_account(connection, account))

    async def purse(self, connection: Connection, account: UUID, currency: str, now: datetime) -> Sequence[HeldLot]:
        held = await self._held(connection, await store.spendable(connection, account, currency, now))
        return [lot for lot in held if lot.available][:MAX_LOTS]

    async def _held(self, connection: Connection, rows: Sequence[LotRow]) -> list[HeldLot]:
        if not rows:
            return []
        found = await sources.some(connection, [row.source for row in rows])
        levels = await self._means.tallies.levels(connection, [row.id for row in rows])
        return [
            HeldLot(
                row.id,
                row.account,
                found[row.source],
                row.about,
                row.amount,
                levels[row.id].available,
                levels[row.id].held,
                row.spend_from,
                row.spend_until,
                row.given_at,
                row.part,
            )
            for row in rows
        ]

    async def history(self, connection: Connection, account: UUID, limit: int = 50) -> Sequence[WalletEntry]:
        lots = await store.of_account(connection, account)
        if not lots:
            return []
        rows = await store.history(connection, [lot.id for lot in lots], limit)
        return [WalletEntry(*row) for row in rows]

    async def open_packet(self, source: UUID, account: UUID) -> HeldLot:
        row = await self.packets.lane.submit(Opening(source, account))
        async with self._means.database.read() as connection:
            [held] = await self._held(connection, [row])
        return held

    async def parts(self, connection: Connection, source: UUID) -> Sequence[tuple[int, int]]:
        return await store.parts(connection, source)

    # what follows from orders

    async def in_use(self, tx: Connection) -> bool:
        return bool(await sources.newest(tx, 1))

    async def earning(self, tx: Connection, now: datetime) -> Sequence[Source]:
        return await sources.giving(tx, SourceKind.CASHBACK, now, now - LATE)

    async def earn(self, tx: Connection, orders: Sequence[PaidOrder]) -> int:
        return await self._earnings.earn(tx, orders)

    async def give_up(self, tx: Connection, orders: Mapping[UUID, Sequence[UUID]]) -> None:
        await self._earnings.give_up(tx, orders)

    async def come_back(self, tx: Connection, lots: Collection[UUID]) -> None:
        await self._earnings.come_back(tx, lots, [])

    async def make_code(self, tx: Connection, account: UUID, limit: CodeLimit | None = None) -> tuple[str, datetime]:
        return await self._codes.make(tx, account, limit)

    async def use_code(self, tx: Connection, code: str, order: UUID) -> CodeUse:
        return await self._codes.use(tx, code, order)

    async def owners(self, connection: Connection, lots: Collection[UUID]) -> Mapping[UUID, UUID]:
        return {id: lot.account for id, lot in (await store.some(connection, lots)).items()}

    async def note_offers(self, tx: Connection, used: Sequence[tuple[UUID, UUID]]) -> None:
        await sources.note_uses(tx, used)

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:  # noqa: ARG002
        await store.end_all(tx, account, self._means.clock.now())
        await sources.forget(tx, account)
        await codes.forget(tx, account)

    # what happens by itself

    async def step(self) -> int:
        done = await self._earnings.step() + await self.packets.step() + await self._look_after_lots()
        return done + await self._codes.step()

    async def _look_after_lots(self) -> int:
        """Remind of what is soon over; end what is."""
        means, now = self._means, self._means.clock.now()
        async with means.database.transaction() as tx:
            due = await store.take_due(tx, now, SET)
            if not due:
                return 0
            found = await sources.some(tx, [lot.source for lot in due])
            over = [lot for lot in due if lot.spend_until <= now]
            taken = await self._giving.take(tx, over, {lot.id: lot.amount for lot in over}, found, EXPIRED)
            levels = await means.tallies.levels(tx, [lot.id for lot in due])
            soon = [
                lot for lot in due if lot.spend_until > now and lot.reminded_at is None and levels[lot.id].available
            ]
            people = await means.people.addresses(tx, [lot.account for lot in soon])
            mails = [
                ending_mail(lot, found[lot.source], levels[lot.id].available, people[lot.account], means.address)
                for lot in soon
                if lot.account in people
            ]
            if mails:
                await means.outbox.send(tx, mails)
            changed: list[LotRow] = []
            for lot in due:
                if lot.spend_until > now:
                    changed.append(msgspec.structs.replace(lot, due_at=lot.spend_until, reminded_at=now))
                    continue
                level = levels[lot.id]
                later = now + LOOK_AGAIN if level.held or level.available else None
                changes = lot.changes + bool(taken[lot.id])
                changed.append(msgspec.structs.replace(lot, due_at=later, changes=changes))
            await store.change(tx, changed)
        return len(due)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """What each lot's tally has left is what the journal says is in it; each budget has given what its earnings and
        lots say."""
        found: list[Finding] = []
        after = UUID(int=0)
        while page := await store.after(connection, after, AUDIT_PAGE):
            ids = [lot.id for lot in page]
            booked = await store.booked(connection, ids)
            levels = await self._means.tallies.levels(connection, ids)
            for id in ids:
                left = levels[id].capacity - levels[id].spent if id in levels else 0
                if left != booked.get(id, 0):
                    rule = "a lot of wallet money has left what the journal says"
                    found.append(Finding(rule, encode(LOT, id), str(booked.get(id, 0)), str(left)))
            after = ids[-1]
        after = UUID(int=0)
        while some := await sources.after(connection, after, AUDIT_PAGE):
            figures = await self.figures(connection, [source.id for source in some])
            for source in some:
                out, spent = await sources.out(connection, source.id), figures[source.id].spent
                if out != spent or spent > source.terms.budget:
                    rule = "a source of wallet money has given what its budget has spent, and no more than it"
                    found.append(Finding(rule, encode(SOURCE, source.id), str(out), str(spent)))
            after = some[-1].id
        return found[:FINDINGS_LIMIT]


def _unknown() -> WalletNotFound:
    return WalletNotFound("There is no such cashback campaign or red packet.", field="id")
