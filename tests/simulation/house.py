"""The house: merchants who count and price, an operator with offers, staff who see transfers, and time."""

from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.orders.contract import TRANSFER, OrderState
from nightmarket.orders.points import Point
from nightmarket.promotions.contract import Offer, book_of, budget_tally
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.tally.contract import Adjustment, NewTally, TallyKind

from .goods import SLICES, first_stock, limit, offer, places_of, repriced
from .model import Count, SessionIdea
from .process import Process
from .stage import Stage

HOPS = (
    *[timedelta(seconds=1)] * 12,
    *[timedelta(seconds=40)] * 10,
    *[timedelta(minutes=16)] * 3,
    timedelta(hours=7),
    timedelta(hours=25),
)
"""How time passes: mostly a little, at times beyond a card's hold, a session's life, or a day."""


class House:
    """One act at a time, at the given process."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._offers = 0

    async def opens(self, process: Process) -> None:
        """The first stock is counted."""
        stage = self.stage
        new = [NewTally(tally, TallyKind.STOCK, first_stock(stage.chance)) for tally in places_of(stage.goods)]
        async with process.database.transaction() as tx:
            await process.tallies.open(tx, new, stage.clock.now())
        stage.idea.counts.update({one.id: Count(one.capacity) for one in new})
        await stage.bank.find("nobody")  # the bank opens too

    async def counts(self, process: Process) -> None:
        """Goods arrive or are missing; what is promised to buyers cannot be counted away."""
        stage = self.stage
        await self.count(process, stage.chance.choice(places_of(stage.goods)), stage.chance.choice((-3, -1, 1, 3, 6)))

    async def count(self, process: Process, tally: UUID, delta: int) -> None:
        """One tally's capacity changes, or is refused to."""
        stage = self.stage
        change = Adjustment(stage.people.new(), tally, delta, "counted")

        async def adjust() -> bool:
            async with process.database.transaction() as tx:
                return (await process.tallies.adjust(tx, [change], stage.clock.now()))[change.id]

        await stage.command(
            process, f"count {change.delta} of {tally}", lambda: stage.predictor.adjust(tally, change.delta), adjust
        )

    async def reprices(self, process: Process) -> None:
        """A listing changes; the processes hear of it one after the other."""
        stage = self.stage
        place = stage.chance.randrange(len(stage.goods))
        one = stage.goods[place] = repriced(stage.goods[place], stage.chance)
        stage.idea.listings[one.variant] = one
        stage.note(process, f"{one.sku} now costs {one.prices['EUR']}{'' if one.for_sale else ', not sold'}")

    async def publishes(self, process: Process) -> None:
        """An offer with few uses or a small budget, counted in slices; or a limit."""
        stage, now = self.stage, self.stage.clock.now()
        self._offers += 1
        make = limit if stage.chance.random() < 0.2 else offer
        new = make(self._offers, stage.goods, stage.chance, now)
        live = stage.idea.book.offers
        if new.code is not None and any(one.code == new.code for one in live):
            new = msgspec.structs.replace(new, code=None)
        budget = list(new.budget.items())

        async def publish() -> bool:
            async with process.database.transaction() as tx:
                caps = [NewTally(budget_tally(new.id, code), TallyKind.OFFER_BUDGET, n, SLICES) for code, n in budget]
                if new.uses is not None and new.max_uses is not None:
                    caps.append(NewTally(new.uses, TallyKind.OFFER_USES, new.max_uses, SLICES))
                await process.tallies.open(tx, caps, now)
                await StoredOffers(process.facts, process.tallies).publish(tx, [new], now)
            return True

        await stage.command(process, f"publish offer {self._offers}", lambda: self._listed(new), publish)

    def _listed(self, new: Offer) -> str:
        idea = self.stage.idea
        idea.book = book_of(idea.book.number + 1, [*idea.book.offers, *idea.book.limits, new])
        idea.counts.update({budget_tally(new.id, code): Count(amount) for code, amount in new.budget.items()})
        if new.uses is not None and new.max_uses is not None:
            idea.counts[new.uses] = Count(new.max_uses)
        return "done"

    async def retires(self, process: Process) -> None:
        """An offer ends from the next book on."""
        stage, idea = self.stage, self.stage.idea
        live = [*idea.book.offers, *idea.book.limits]
        if not live:
            return
        old = stage.chance.choice(live)

        async def retire() -> bool:
            async with process.database.transaction() as tx:
                await StoredOffers(process.facts, process.tallies).retire(tx, [old.id], stage.clock.now())
            return True

        def unlisted() -> str:
            idea.book = book_of(idea.book.number + 1, [one for one in live if one.id != old.id])
            return "done"

        await stage.command(process, f"retire offer {old.name['en']}", unlisted, retire)

    async def sees_transfer(self, process: Process) -> None:
        """Staff found the money on the bank's statement: in time, late, or twice."""
        stage = self.stage
        one = stage.someone(_awaits_transfer)
        if one is None:
            return
        now = stage.clock.now()
        await stage.command(
            process,
            f"transfer seen for {one.id}",
            lambda: stage.predictor.mark_transferred(one.id, now),
            lambda: process.desk.mark_transferred(one.id, "statement line"),
            (Point.SETTLE_WRITTEN, Point.LATE_WRITTEN),
        )

    async def cuts(self, process: Process) -> None:
        """The database ends a process's connections while it is idle."""
        process.cut()
        self.stage.note(process, "connections cut")
        await process.noticed()

    async def line(self, process: Process) -> None:
        """The line to the bank fails, or works again."""
        stage = self.stage
        stage.bank.outage = stage.idea.outage = not stage.bank.outage and stage.chance.random() < 0.25
        stage.note(process, "the bank cannot be reached" if stage.bank.outage else "the bank can be reached")

    async def waits(self, process: Process) -> None:
        """Time passes."""
        self.stage.clock.advance(self.stage.chance.choice(HOPS))


def _awaits_transfer(one: SessionIdea) -> bool:
    order = one.order
    return order is not None and order.handler == TRANSFER and order.state in (OrderState.PENDING, OrderState.LAPSED)
