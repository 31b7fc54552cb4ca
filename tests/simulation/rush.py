"""A rush: several processes at once, whose order of arrival nobody knows. Its answers must be among those that some
order allows; what is stored afterwards is believed only where it fits them, and from then on expected to stay."""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import combinations
from uuid import UUID

import msgspec

from nightmarket.orders.contract import OrderState, PaymentInput, SessionState
from nightmarket.orders.model.order import claim_id, first_due
from nightmarket.orders.points import Point
from nightmarket.orders.store import SESSION_BODY
from nightmarket.payments.contract import PaymentState
from nightmarket.payments.providers.testpay import DECLINES
from nightmarket.platform.database import Record
from nightmarket.promotions.contract import budget_tally, buyer_tally
from nightmarket.tally.contract import ClaimState

from .auditor import parts_of
from .house import House
from .limits import buyers_of, opened, taking
from .model import OPEN, Charge, Count, OrderIdea, PaymentIdea, SessionIdea, View, notices, quote
from .process import TINY, Process
from .shoppers import CHECKOUT, DECLINING, WAYS
from .stage import Stage
from .words import UNAVAILABLE

SESSIONS_AT_ONCE = 9
CUT_WITHIN_SECONDS = 0.03
QUOTES_LIMIT = 5_000


class Click(msgspec.Struct):
    """One click on "pay", and what came of it."""

    one: SessionIdea
    way: PaymentInput
    process: Process
    answer: str = ""


class Rush:
    """Plays it and takes it in."""

    def __init__(self, stage: Stage, house: House) -> None:
        self.stage = stage
        self.house = house
        self._free: dict[UUID, int] = {}
        """What was free of each tally when the rush began."""

    async def plays(self, process: Process) -> None:
        """A few units arrive; some pay at once, some of them twice; a process may die or lose its connections."""
        stage, chance = self.stage, self.stage.chance
        now = stage.clock.now()
        if not stage.plan.rushes:
            return
        for one in stage.processes:
            await stage.hears(one)
        known = list(stage.idea.sessions.values())[-60:]
        able = [one for one in known if one.kind is CHECKOUT and one.state in OPEN and one.expires_at >= now]
        clicks: list[Click] = []
        for one in chance.sample(able, min(SESSIONS_AT_ONCE, len(able))):
            way = chance.choice(WAYS)
            at = chance.sample(stage.processes, chance.choice((1, 1, 2)))
            clicks += [Click(one, way, each) for each in at]
            for line in one.wanted.lines[: chance.choice((0, 1, 2))]:
                place = chance.choice(stage.idea.listings[line.variant].stock)
                await self.house.count(process, place.tally, 1)
        self._free = {tally: count.free for tally, count in stage.idea.counts.items()}
        trouble = chance.choice(("none", "none", "dies", "cut"))
        await self._together(process, clicks, trouble)
        for each in {click.one.id: click.one for click in clicks}.values():
            mine = [click for click in clicks if click.one.id == each.id]
            await self._take_in(process, each, mine)
        self._check_refusals(clicks)
        for click in clicks:
            crowded = sum(other.process is click.process for other in clicks) > TINY.queue
            if click.answer == UNAVAILABLE and trouble == "none" and not crowded:
                stage.auditor.objects(f"{click.one.id} was turned away though nothing was wrong")
        stage.note(process, f"rush of {len(clicks)} ({trouble}): {' | '.join(click.answer for click in clicks)}")
        await stage.auditor.compare(process)

    async def _together(self, process: Process, clicks: Sequence[Click], trouble: str) -> None:
        stage, chance = self.stage, self.stage.chance
        pause = chance.random() * CUT_WITHIN_SECONDS
        if trouble == "dies":
            process.faults.deadly = chance.choice(list(Point))

        async def click(one: Click) -> None:
            one.answer = await stage.answer(lambda: one.process.desk.complete(one.one.owner, one.one.id, one.way))

        async def cut() -> None:
            await asyncio.sleep(pause)
            if trouble == "cut":
                await asyncio.to_thread(process.cut)

        await asyncio.gather(cut(), *map(click, clicks))
        process.faults.deadly = None
        if process.faults.dead:
            for one in clicks:
                one.answer = "died" if one.process is process else one.answer
            await stage.reborn(process)
        for each in stage.processes:
            await each.desk.close()
        await process.noticed()

    async def _take_in(self, process: Process, one: SessionIdea, clicks: Sequence[Click]) -> None:
        """Believe what is stored about a session, if it fits what it was and what was answered."""
        stage, idea = self.stage, self.stage.idea
        expect, now = stage.auditor.expect, stage.clock.now()
        opening = opened(one.owner, one.wanted, stage.view(process), now)
        possible = self._totals(one, stage.view(process))
        missing = notices(one.wanted, stage.view(process))
        seen = one.seen_total
        async with process.database.read() as connection:
            row = await connection.fetchrow("SELECT * FROM orders.session WHERE id = $1", one.id)
            orders = await connection.fetch("SELECT * FROM orders.order WHERE id = $1", one.id)
            assert row is not None
            ids = [claim_id(one.id, attempt) for attempt in range(one.attempt, row["attempt"] + 1)]
            claims = await connection.fetch("SELECT * FROM tally.claim WHERE id = ANY($1::uuid[])", ids)
            payments = await connection.fetch("SELECT * FROM payments.payment WHERE id = ANY($1::uuid[])", ids)
            made = await connection.fetch("SELECT tally FROM tally.slice WHERE tally = ANY($1::uuid[])", list(opening))
        for found in made:
            idea.counts.setdefault(found["tally"], Count(opening[found["tally"]]))
        if not 0 <= row["version"] - one.version <= len(clicks):
            stage.auditor.objects(f"{one.id} changed {row['version'] - one.version} times by {len(clicks)} clicks")
        if missing:
            expect("claims of what was not ready", 0, len(claims))
        one.seen_total = SESSION_BODY.decode(row["body"]).seen_total or 0
        one.version, one.attempt, one.state = row["version"], row["attempt"], SessionState(row["state"])
        for claim in claims:
            self._check_goods(one, parts_of(claim))
            idea.take(claim["id"], parts_of(claim))
            if claim["state"] != ClaimState.HELD:
                idea.end(claim["id"], ClaimState(claim["state"]))
        if claims:
            one.order = _order(orders, now)
            way = clicks[0].way
            expect(f"handler of {one.id}", way.handler, one.order.handler)
            if one.order.total not in possible or one.order.total > max(seen, one.seen_total):
                stage.auditor.objects(f"{one.id} costs {one.order.total}, not one of {sorted(possible)}")
        for payment in payments:
            found = PaymentIdea(one.id, payment["provider"], payment["amount"], PaymentState(payment["state"]))
            idea.payments[payment["id"]] = found
        self._reserve(one, ids)
        for click in clicks:
            self._check_answer(click, possible, missing, seen)

    def _check_answer(self, click: Click, possible: set[int], missing: set[str], seen: int) -> None:
        """Whether some order of arrival would give this answer, given what is stored now."""
        one, answer = click.one, click.answer
        order = one.order
        match answer.split(" ")[0]:
            case "order":
                promised = "PAID" if answer.startswith("order PAID") else None
                fits = order is not None and f"total {order.total}" in answer and promised in (None, order.state.name)
            case "payment_declined":
                fits = answer == f"payment_declined {DECLINES.get(click.way.token)}"
            case "not_ready":
                fits = answer == f"not_ready {sorted(missing)}"
            case "price_changed":
                _, was, _, total = answer.split(" ")
                fits = int(total) in possible and seen <= int(was) < int(total)
            case "identity_needed":
                fits = not buyers_of(one.owner)
            case "limit_reached":
                variants = {line.variant for line in one.wanted.lines}
                fits = any(variants & limit.condition.variants for limit in self.stage.idea.book.limits)
            case "out_of_stock" | "unavailable" | "died":
                fits = True  # looked at together, afterwards
            case _:
                fits = False
        if not fits:
            self.stage.auditor.objects(f"complete {one.id} by {click.way}: {answer}, but stored is {order}")

    def _check_refusals(self, clicks: Sequence[Click]) -> None:
        """Who was told that too little is left: at worst, all others had taken theirs before."""
        stage = self.stage
        listings = stage.idea.listings
        wanted: dict[UUID, int] = {}
        for one in {click.one.id: click.one for click in clicks}.values():
            for line in one.wanted.lines:
                wanted[line.variant] = wanted.get(line.variant, 0) + line.quantity
        released = any(click.way.token in DECLINING for click in clicks)
        for click in clicks:
            if not click.answer.startswith("out_of_stock"):
                continue
            enough = True
            for line in click.one.wanted.lines:
                places = [stock.tally for stock in listings[line.variant].stock]
                others = wanted[line.variant] - line.quantity
                least = sum(self._free[place] for place in places) - others
                left = sum(stage.idea.counts[place].free for place in places)
                enough &= least >= line.quantity or (not released and left >= line.quantity)
            if enough:
                stage.auditor.objects(f"{click.one.id} was refused though enough was left: {click.answer}")

    def _check_goods(self, one: SessionIdea, parts: Mapping[UUID, int]) -> None:
        """A claim covers exactly the lines, and takes one use of an offer, of its budget, and its buyer's share."""
        left = dict(parts)
        for line in one.wanted.lines:
            places = [stock.tally for stock in self.stage.idea.listings[line.variant].stock]
            units = sum(left.pop(place, 0) for place in places)
            self.stage.auditor.expect(f"units of {line.variant} for {one.id}", line.quantity, units)
        book = self.stage.idea.book
        uses = {offer.uses for offer in book.offers}
        others = {budget_tally(offer.id, one.wanted.currency) for offer in book.offers}
        others |= {
            buyer_tally(offer.id, word, buyer)
            for offer in (*book.offers, *book.limits)
            for word in ("uses", "units")
            for buyer in buyers_of(one.owner)
        }
        if any(tally not in others and (tally not in uses or amount != 1) for tally, amount in left.items()):
            self.stage.auditor.objects(f"the claim of {one.id} takes {left} besides its goods")

    def _reserve(self, one: SessionIdea, ids: Iterable[UUID]) -> None:
        """What the bank has reserved."""
        with closing(sqlite3.connect(self.stage.bank_file)) as bank:
            for id in ids:
                row = bank.execute(
                    "SELECT amount, decline_code, approve_at FROM charge WHERE key = ?", (str(id),)
                ).fetchone()
                if row is not None and id not in self.stage.idea.charges:
                    at = self.stage.clock.now() if row[2] is None else datetime.fromtimestamp(row[2], UTC)
                    self.stage.idea.charges[id] = Charge(one.id, row[0], row[1], at)

    def _totals(self, one: SessionIdea, view: View) -> set[int]:
        """What the session may cost, whichever of its offers turn out to be used up."""
        now = self.stage.clock.now()
        totals: set[int] = set()
        looked: set[frozenset[UUID]] = set()
        ahead: list[frozenset[UUID]] = [frozenset()]
        while ahead and len(looked) < QUOTES_LIMIT:
            without = ahead.pop(0)
            if without in looked:
                continue
            looked.add(without)
            priced = quote(one.owner, one.wanted, view, now, without)
            totals.add(priced.total)
            takes = [take for take in taking(one.owner, priced, view, now).takes if not take.is_limit]
            free = [(take, self._free.get(take.tally, take.most)) for take in takes]
            gone = without | {take.offer for take, left in free if left < take.quantity}
            contested = {take.offer for take, left in free if left <= SESSIONS_AT_ONCE * take.quantity} - gone
            for size in range(len(contested) + 1):
                ahead += [gone | frozenset(some) for some in combinations(sorted(contested), size)]
        return totals


def _order(rows: Sequence[Record], now: datetime) -> OrderIdea:
    first = rows[0]
    pending = OrderState(first["state"]) is OrderState.PENDING
    return OrderIdea(
        attempt=first["attempt"],
        handler=first["handler"],
        total=sum(row["total"] for row in rows),
        currency=first["currency"],
        placed_at=now,
        due_at=first_due(first["handler"], now) if pending else None,
        state=OrderState(first["state"]),
    )
