"""What happens when tallies are opened, adjusted, claimed and ended. One lock order: claims, then slices."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import Defect
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import Again

from . import store
from .believed import Beliefs, BelievedLedger
from .contract import (
    RESTOCK,
    Adjustment,
    AnyLedger,
    ClaimState,
    Finding,
    Level,
    NewTally,
    TallyAdjusted,
    TallyKind,
    Write,
)
from .model import Ledger, Part, SlicesShort

WHOLE_LIMIT = 1_000
"""Tallies that this process locks with all their slices, because its own slice ran short; the oldest is forgotten."""

MAX_SLICES = 256

REFILL, CAP = "refill", "cap"
"""Causes of changes that a ledger makes: room moved between slices, and a limit that a buyer's tally is fitted to."""

AUDIT_LIMIT = 1_000
SCARCEST_LIMIT = 200


class SlicedTallies:
    """Implements `contract.Tallies` on PostgreSQL. `worker` chooses the slice that this process claims from."""

    def __init__(self, facts: Facts, ids: Ids, worker: int = 0) -> None:
        self._facts = facts
        self._ids = ids
        self._worker = worker
        self._whole: dict[UUID, None] = {}
        self._beliefs = Beliefs()

    async def open(self, tx: Connection, tallies: Sequence[NewTally], at: datetime) -> None:
        rows: list[tuple[UUID, int, int, int, int]] = []
        first = {tally.id: tally for tally in reversed(tallies)}
        for tally in first.values():
            _check(tally)
            each, rest = divmod(tally.capacity, tally.slices)
            rows.extend(
                (tally.id, number, tally.slices, tally.kind, each + (number < rest)) for number in range(tally.slices)
            )
        if not rows:
            return
        made = set(await store.open_slices(tx, rows, at, "opened"))
        opened = [TallyAdjusted(tally.id, tally.capacity, "opened") for tally in first.values() if tally.id in made]
        await self._facts.append(tx, opened, at)

    async def open_limits(self, tx: Connection, most: Mapping[UUID, int], at: datetime) -> None:
        rows = [(tally, 0, 1, int(TallyKind.BUYER_LIMIT), capacity) for tally, capacity in most.items()]
        if rows:
            await store.open_slices(tx, rows, at, "opened")

    async def returned(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, int]:
        return await store.returned(connection, list(tallies), RESTOCK)

    async def adjust(self, tx: Connection, adjustments: Sequence[Adjustment], at: datetime) -> Mapping[UUID, bool]:
        done: dict[UUID, bool] = {}
        if not adjustments:
            return done
        tallies = {adjustment.tally for adjustment in adjustments}
        slices, _ = await store.lock(tx, tallies, self._worker, tallies)
        by_tally: dict[UUID, list[store.Slice]] = {}
        for row in slices:
            by_tally.setdefault(row.tally, []).append(row)
        known = await store.noted(tx, [adjustment.id for adjustment in adjustments])
        notes: list[tuple[UUID, UUID, int, int, str]] = []
        changed: list[TallyAdjusted] = []
        for adjustment in adjustments:
            if (adjustment.id, adjustment.tally) in known:
                done[adjustment.id] = True
                continue
            rows = by_tally.get(adjustment.tally)
            if rows is None:
                raise Defect(f"tally {adjustment.tally} was never opened")
            moves = _spread(rows, adjustment.delta)
            done[adjustment.id] = moves is not None
            if moves is None:
                continue
            known.add((adjustment.id, adjustment.tally))
            for row, delta in moves:
                notes.append((adjustment.id, row.tally, row.number, delta, adjustment.cause))
            if moves:
                changed.append(TallyAdjusted(adjustment.tally, adjustment.delta, adjustment.cause))
        if notes:
            await store.note_adjustments(tx, notes, at)
            await store.change(tx, _sum([(row.tally, row.number, row.capacity_change, 0, 0) for row in slices]))
        await self._facts.append(tx, changed, at)
        return done

    async def levels(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        rows = await store.levels(connection, tallies)
        return {row["tally"]: Level(row["capacity"], row["held"], row["spent"]) for row in rows}

    async def scarcest(self, connection: Connection, kind: TallyKind, limit: int) -> Mapping[UUID, Level]:
        rows = await store.scarcest(connection, kind, min(limit, SCARCEST_LIMIT))
        return {row["tally"]: Level(row["capacity"], row["held"], row["spent"]) for row in rows}

    async def emptied(self, connection: Connection, kind: TallyKind, limit: int) -> Sequence[UUID]:
        return await store.emptied(connection, kind, limit)

    async def lock(self, tx: Connection, tallies: Iterable[UUID]) -> Ledger:
        wanted = set(tallies)
        whole = [tally for tally in self._whole if tally in wanted] if self._whole else []
        slices, counts = await store.lock(tx, wanted, self._worker, whole)
        return Ledger(slices, counts, self._worker)

    async def believed(self, tx: Connection, tallies: Iterable[UUID], now: datetime) -> BelievedLedger:
        unknown = self._beliefs.unknown(tallies, now)
        if unknown:
            self._beliefs.learn(await store.look(tx, unknown, self._worker), now)
        return self._beliefs.ledger()

    def doubt(self, tallies: Iterable[UUID]) -> None:
        self._beliefs.forget(tallies)

    async def fit_limits(self, tx: Connection, ledger: Ledger, most: Mapping[UUID, int]) -> None:
        others = [tally for tally, units in most.items() if ledger.capacity(tally) != units]
        if not others:
            return
        returned = await self.returned(tx, others)
        for tally in others:
            ledger.fit(tally, most[tally] + returned.get(tally, 0))

    def again(self, short: SlicesShort) -> Again:
        """What to raise when a ledger could not decide: the batch runs again, with these tallies locked whole."""
        for tally in short.tallies:
            self._whole[tally] = None
        while len(self._whole) > WHOLE_LIMIT:
            del self._whole[next(iter(self._whole))]
        return Again("a slice ran short")

    async def write(self, tx: Connection, ledger: AnyLedger, at: datetime) -> None:
        if not ledger.grants:
            return
        if isinstance(ledger, BelievedLedger):
            await store.insert_claims(tx, ledger.grants)
            await store.take(tx, ledger.changes())
            return
        changes = ledger.changes()
        moved = [row for row in changes if row.capacity_change]
        if not moved:
            await store.hold(tx, [(row.tally, row.number, row.held_change) for row in changes])
        else:
            written = await store.change(
                tx, [(row.tally, row.number, row.capacity_change, row.held_change, 0) for row in changes]
            )
            if written != len(changes):
                raise Defect(f"{len(changes)} slices were locked but {written} written")
            change = self._ids.new()
            notes = [
                (change, row.tally, row.number, row.capacity_change, CAP if ledger.is_whole(row.tally) else REFILL)
                for row in moved
            ]
            await store.note_adjustments(tx, notes, at)
        await store.insert_claims(tx, ledger.grants)
        if self._whole:
            for tally in ledger.eased():
                self._whole.pop(tally, None)

    async def settle(self, tx: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        return await self.end(tx, dict.fromkeys(claims, ClaimState.SETTLED))

    async def release(self, tx: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        return await self.end(tx, dict.fromkeys(claims, ClaimState.RELEASED))

    async def lapse(self, tx: Connection, claims: Sequence[UUID], now: datetime) -> Mapping[UUID, ClaimState]:
        rows = await store.lock_claims(tx, claims)
        over = [row for row in rows if row["deadline"] <= now or row["state"] != ClaimState.HELD]
        return await self._end(tx, over, dict.fromkeys(claims, ClaimState.LAPSED))

    async def end(
        self, tx: Connection, claims: Mapping[UUID, ClaimState], write: Write | None = None
    ) -> Mapping[UUID, ClaimState]:
        by_state: dict[ClaimState, list[UUID]] = {}
        for claim, state in claims.items():
            by_state.setdefault(state, []).append(claim)
        if ClaimState.HELD in by_state:
            raise Defect("a claim ends settled, released or lapsed, not held")
        if len(by_state) > 1:
            await store.lock_claims(tx, list(claims))  # in one order, whatever becomes of them
        ended = {state: await store.end_claims(tx, some, state) for state, some in by_state.items()}
        before = {claim: ClaimState.HELD for some in ended.values() for claim in some}
        if len(before) < len(claims):
            found = await self.states(tx, [claim for claim in claims if claim not in before])
            before |= {claim: state for claim, state in found.items() if state is not ClaimState.HELD}
        if write is not None:
            await write(before)
        settled = ended.pop(ClaimState.SETTLED, [])
        released = [claim for some in ended.values() for claim in some]
        if settled or released:
            await store.take_back(tx, settled, released)
        return before

    async def _end(
        self, tx: Connection, rows: Sequence[Record], ends: Mapping[UUID, ClaimState]
    ) -> Mapping[UUID, ClaimState]:
        held = [row for row in rows if row["state"] == ClaimState.HELD]
        changes = _sum(
            [
                (tally, number, 0, -quantity, quantity if ends[row["id"]] is ClaimState.SETTLED else 0)
                for row in held
                for tally, number, quantity in zip(row["tallies"], row["slices"], row["quantities"], strict=True)
            ]
        )
        if changes:
            await store.lock_slices(tx, [(tally, number) for tally, number, *_ in changes])
            if await store.change(tx, changes) != len(changes):
                raise Defect("a claim names a slice that does not exist")
        by_state: dict[ClaimState, list[UUID]] = {}
        for row in held:
            by_state.setdefault(ends[row["id"]], []).append(row["id"])
        for state, ended in by_state.items():
            await store.mark_claims(tx, ended, state)
        return {row["id"]: ClaimState(row["state"]) for row in rows}

    async def states(self, connection: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        rows = await store.read_claims(connection, claims)
        return {row["id"]: ClaimState(row["state"]) for row in rows}

    async def parts(self, connection: Connection, claims: Sequence[UUID]) -> Mapping[UUID, Sequence[Part]]:
        rows = await store.read_claims(connection, claims)
        return {
            row["id"]: [
                Part(tally, quantity, number)
                for tally, number, quantity in zip(row["tallies"], row["slices"], row["quantities"], strict=True)
            ]
            for row in rows
        }

    async def recount(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        rows = await store.recount(connection, tallies)
        return {row["tally"]: Level(row["capacity"], row["held"], row["spent"]) for row in rows}

    async def claimed_beside(
        self, connection: Connection, tallies: Iterable[UUID], claims: Iterable[UUID]
    ) -> Mapping[UUID, int]:
        return await store.claimed_beside(connection, tallies, claims)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        return [
            Finding(
                rule="tally agrees with its claims and adjustments",
                row=f"tally {row['tally']} slice {row['slice']}",
                expected=f"capacity {row['capacity_noted']} held {row['held_claimed']} spent {row['spent_claimed']}",
                found=f"capacity {row['capacity']} held {row['held']} spent {row['spent']}",
            )
            for row in await store.audit_slices(connection, AUDIT_LIMIT)
        ] + [
            Finding(
                rule="tally has each of its slices once",
                row=f"tally {row['tally']}",
                expected=f"slices 0 to {row['most'] - 1}",
                found=f"{row['found']} slices, of tallies of {row['least']} to {row['most']}",
            )
            for row in await store.audit_numbers(connection, AUDIT_LIMIT)
        ]


def _check(tally: NewTally) -> None:
    if not 0 <= tally.capacity <= MAX_STOCK:
        raise Defect(f"a tally holds between 0 and {MAX_STOCK} units, not {tally.capacity}")
    if not 1 <= tally.slices <= MAX_SLICES:
        raise Defect(f"a tally has between 1 and {MAX_SLICES} slices, not {tally.slices}")


def _spread(rows: Sequence[store.Slice], delta: int) -> Sequence[tuple[store.Slice, int]] | None:
    """Spread a change of capacity over the slices, evenly when it grows, by what is free when it shrinks.

    None where less is free than is to be taken away.
    """
    if delta < 0 and sum(row.free for row in rows) < -delta:
        return None
    if sum(row.capacity for row in rows) + delta > MAX_STOCK:
        return None
    moves: list[tuple[store.Slice, int]] = []
    left = delta
    for position, row in enumerate(rows):
        share = -min(-left, row.free) if delta < 0 else left // (len(rows) - position)
        if share:
            row.capacity += share
            row.capacity_change += share
            moves.append((row, share))
            left -= share
    return moves


def _sum(changes: Iterable[store.Change]) -> list[store.Change]:
    """One change per slice, in order of tally and slice; those that change nothing are left out."""
    sums: dict[tuple[UUID, int], list[int]] = {}
    for tally, number, *amounts in changes:
        total = sums.setdefault((tally, number), [0, 0, 0])
        for index, amount in enumerate(amounts):
            total[index] += amount
    return [(tally, number, *totals) for (tally, number), totals in sorted(sums.items()) if any(totals)]  # pyright: ignore[reportReturnType]
