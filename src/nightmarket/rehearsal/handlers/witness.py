"""The witness: reads in the database what the rush does to it, and when it is over proves what came of it.

It runs in the worker, which is the shop's own; the crowd's word is compared with the database's, never taken for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.orders.contract import OrderReader, OrdersPaid, OrdersPlaced, OrderState
from nightmarket.platform.database import CONNECTION_LOST, Connection, Database
from nightmarket.platform.facts import READ_LIMIT, Cursor, head, read
from nightmarket.rehearsal.contract import Auditor, Scene
from nightmarket.rehearsal.model import NOBODY, CheckLine, Proof, Seen, State, Wish, owner_of
from nightmarket.rehearsal.store import Folder
from nightmarket.tally.contract import Tallies

KINDS = (OrdersPlaced.kind, OrdersPaid.kind)
LOOKS_LIMIT = 25
LOOK_AGAIN = timedelta(seconds=1.5)
"""What is under way when the rush ends, such as a payment whose answer was cut off, is in order within seconds; so
what the audit finds is looked at again before it is final. The page shows it meanwhile."""

FOUND_SHOWN = 20

log = structlog.get_logger(__name__)


class Ledger:
    """The crowd's orders in the database, heard as facts: who placed which, and which are paid."""

    def __init__(self, wish: Wish) -> None:
        self.owners = {owner_of(wish.run, number) for number in range(1, wish.buyers + 1)}
        self.by_owner: dict[UUID, set[UUID]] = {}
        self.paid: set[UUID] = set()

    async def hear(self, connection: Connection, cursor: Cursor) -> Cursor:
        """Read on from the cursor; returns the new one."""
        while True:
            facts = await read(connection, cursor, KINDS)
            for fact in facts:
                if fact.kind == OrdersPlaced.kind:
                    for placed in fact.read(OrdersPlaced):
                        if placed.owner in self.owners:
                            self.by_owner.setdefault(placed.owner, set()).add(placed.order)
                else:
                    self.paid.update(paid.order for paid in fact.read(OrdersPaid))
            if facts:
                cursor = facts[-1].cursor
            if len(facts) < READ_LIMIT:
                return cursor

    @property
    def placed(self) -> set[UUID]:
        return {order for orders in self.by_owner.values() for order in orders}

    @property
    def doubled(self) -> int:
        return sum(len(orders) - 1 for orders in self.by_owner.values())


class Witness:
    """Steps of a drain; does nothing while there is no crowd."""

    def __init__(
        self, folder: Folder, database: Database, tallies: Tallies, orders: OrderReader, audit: Auditor, clock: Clock
    ) -> None:
        self._folder = folder
        self._database = database
        self._tallies = tallies
        self._orders = orders
        self._audit = audit
        self._clock = clock
        self._ledger: tuple[UUID, Ledger] | None = None
        self._heard_to: Cursor | None = None
        self._looked_at: datetime | None = None

    async def step(self) -> int:
        """Look once; returns 0, since there is always time until the next look."""
        wish = self._folder.wish.read()
        if wish is None and self._folder.kill.read() is None:
            return 0
        seen = self._folder.seen.read() or Seen(at=self._clock.now())
        if wish is not None and seen.run != wish.run:
            seen = Seen(at=seen.at, run=wish.run, away_since=seen.away_since, back_at=seen.back_at)
            seen.available = seen.at_start = wish.units
        try:
            await self._look(wish, seen)
        except (Unavailable, *CONNECTION_LOST):
            seen.away_since = seen.away_since or self._clock.now()
            self._folder.seen.write(seen)
        return 0

    async def _look(self, wish: Wish | None, seen: Seen) -> None:
        async with self._database.read() as connection:
            if wish is None:
                await head(connection)
            else:
                await self._count(connection, wish, seen)
        now = self._clock.now()
        if seen.away_since is not None:
            seen.away_since, seen.back_at = None, now
        seen.at = now
        self._folder.seen.write(seen)
        if self._proof_is_due(wish, seen):
            await self._prove(wish, seen)

    async def _count(self, connection: Connection, wish: Wish, seen: Seen) -> None:
        ledger = self._ledger_of(wish)
        self._heard_to = await ledger.hear(connection, self._heard_to or Cursor(*wish.cursor))
        level = (await self._tallies.levels(connection, [wish.tally])).get(wish.tally)
        seen.available = level.available if level else 0
        seen.placed, seen.paid = len(ledger.placed), len(ledger.placed & ledger.paid)

    def _ledger_of(self, wish: Wish) -> Ledger:
        if self._ledger is None or self._ledger[0] != wish.run:
            self._ledger = (wish.run, Ledger(wish))
            self._heard_to = None
            self._looked_at = None
        return self._ledger[1]

    def _proof_is_due(self, wish: Wish | None, seen: Seen) -> bool:
        """After the rush, and again after each time that the database was away; not while one is still looked for."""
        scene = Scene(wish, self._folder.crowd.read(), seen, self._folder.kill.read())
        over = scene.kill is not None if wish is None else scene.state in (State.OVER, State.STOPPED)
        if not over or scene.down:
            return False
        if seen.proof is None or seen.proven_after != seen.back_at:
            return True
        rested = self._looked_at is None or self._clock.now() - self._looked_at >= LOOK_AGAIN
        return not seen.proof.final and rested

    async def _prove(self, wish: Wish | None, seen: Seen) -> None:
        """Look up each acknowledged order, add up the tally anew, and run the audit; each line is shown as it comes."""
        crowd = self._folder.crowd.read()
        told = crowd.orders if crowd and wish and crowd.run == wish.run else []
        run = wish.run if wish else NOBODY
        again = seen.proof is not None and seen.proven_after == seen.back_at and seen.proof.run == run
        looks = seen.proof.looks + 1 if again and seen.proof else 1
        proof = await self._looked_up(wish, told, looks) if wish else _nothing_to_look_up(self._clock.now(), looks)
        if crowd is None or crowd.state is State.STOPPED:
            proof = msgspec.structs.replace(proof, unknown=0)  # who was sent away could not be told
        shown = proof if seen.proof is None or not again else None
        checks: list[CheckLine] = []
        if shown is not None:
            self._show(seen, shown)
        async for check in self._audit.run():
            found = [f"{one.row}: {one.rule}; {one.expected} ≠ {one.found}" for one in check.findings[:FOUND_SHOWN]]
            checks.append(CheckLine(check.name, check.holds, len(check.findings), check.seconds, found))
            if shown is not None:
                self._show(seen, msgspec.structs.replace(proof, checks=list(checks)))
        proof = msgspec.structs.replace(proof, checks=checks, audited=True)
        broken = proof.oversold or proof.lost or proof.doubled or proof.unknown
        heard = wish is None or len(self._ledger_of(wish).placed) >= proof.present  # facts may come a moment late
        final = (proof.clean and heard) or bool(broken) or looks >= LOOKS_LIMIT
        self._looked_at = self._clock.now()
        self._show(seen, msgspec.structs.replace(proof, final=final))
        if final:
            log.info("crowd_proven", clean=proof.clean, oversold=proof.oversold, lost=proof.lost, off=proof.off)

    def _show(self, seen: Seen, proof: Proof) -> None:
        seen.proof, seen.proven_after = proof, seen.back_at
        self._folder.seen.write(seen)

    async def _looked_up(self, wish: Wish, told: list[str], looks: int) -> Proof:
        ledger = self._ledger_of(wish)
        ids = _ids(told)
        async with (
            self._database.read() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await self._orders.rows(connection, list(ids))
            counted = (await self._tallies.recount(connection, [wish.tally])).get(wish.tally)
        paid = [id for id, some in rows.items() if all(row.state is OrderState.PAID for row in some)]
        return Proof(
            run=wish.run,
            at=self._clock.now(),
            acknowledged=len(told),
            present=sum(ids[id] for id in rows if id in ids),
            paid=len(paid),
            doubled=ledger.doubled + sum(times - 1 for times in ids.values()),
            unknown=len(ledger.placed & ledger.paid - ids.keys()),
            capacity=counted.capacity if counted else 0,
            sold=counted.held + counted.spent if counted else 0,
            looks=looks,
        )


def _nothing_to_look_up(at: datetime, looks: int) -> Proof:
    """There was no crowd when the database was killed; the audit still speaks for all the others."""
    return Proof(
        run=NOBODY, at=at, acknowledged=0, present=0, paid=0, doubled=0, unknown=0, capacity=0, sold=0, looks=looks
    )


def _ids(told: list[str]) -> Mapping[UUID, int]:
    """The orders that buyers were told of, and how many were told of each."""
    found: dict[UUID, int] = {}
    for text in told:
        try:
            id = decode("ord", text)
        except InvalidInput:
            continue  # counted as acknowledged and never found: the page will say that it is lost
        found[id] = found.get(id, 0) + 1
    return found
