"""Group purchases for tests: an order desk, promotions' groups and the workflow between them, on one database."""

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop as OpenShop
from nightmarket.catalog.contract import Listing
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, derive, encode
from nightmarket.kernel.money import MAX_AMOUNT
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import HELD, Completion, PaymentInput, Seat, SessionKind
from nightmarket.orders.handlers import OrderDesk
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.payments.contract.wallets import Purse, PurseLot
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.payments.providers import TestProvider
from nightmarket.platform.access import Links
from nightmarket.platform.aside import Aside
from nightmarket.platform.database import Database
from nightmarket.platform.messages import Outbox
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.promotions.contract.groups import (
    GROUP_OFFER,
    BuyingGroup,
    GroupOffer,
    GroupSeat,
    GroupTerms,
    NewGroupOffer,
    SeatState,
    Tier,
    entitlement_of,
    person_tally,
    seats_tally,
)
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.draw_steps import DrawMeans
from nightmarket.promotions.handlers.groups import StoredGroups
from nightmarket.tally.contract import Level, NewTally, TallyKind
from nightmarket.workflows.group_purchase import GroupPurchases
from nightmarket.workflows.order_mail import order_mail, order_mail_chore
from tests.twins import SECRET, Shop, listing, wanted

LAMP = listing("LAMP", price=2_000)
DAY = timedelta(days=1)
TIERS = (Tier(3, 1_000), Tier(5, 2_000))


def person(number: int) -> UUID:
    """The key of a made-up address."""
    return derive("test-person", number)


class GroupHouse:
    """A shop with one lamp that groups may buy: 3 people 10 % off, 5 people 20 %."""

    def __init__(self, database: Database, clock: VirtualClock, ids: SeededIds, provider: TestProvider) -> None:
        self.shop = Shop(database, clock, ids, [LAMP])
        self.database, self.clock, self.ids, self.provider = database, clock, ids, provider
        self.outbox = Outbox(clock, ids)
        self.offers = StoredOffers(self.shop.facts, self.shop.tallies)
        means = DrawMeans(
            database=database,
            facts=self.shop.facts,
            tallies=self.shop.tallies,
            offers=self.offers,
            outbox=self.outbox,
            clock=clock,
            secret=SECRET,
            address="http://127.0.0.1:1111",
        )
        self.groups = StoredGroups(means)
        self.desk = self.another_desk()
        self.drain = PaymentsDrain(database, {"test": provider}, clock, self.shop.facts)

    def another_desk(self, faults: Faults = NO_FAULTS) -> OrderDesk:
        return self.shop.desk({"test": self.provider}, faults)

    def purchases(self, desk: OrderDesk | None = None) -> GroupPurchases:
        """The workflow, as any process would have it."""
        return GroupPurchases(
            self.database, self.groups, desk or self.desk, self.shop.payments, self.outbox, self.clock
        )

    async def open(self, *, stock: int = 100, groups: int = 10, tiers: tuple[Tier, ...] = TIERS) -> GroupOffer:
        await self.shop.stock([(LAMP, stock)])
        terms = GroupTerms(
            LAMP.merchant, LAMP.product, (LAMP.variant,), tiers, 24, groups, self.clock.now() + timedelta(days=7)
        )
        async with self.database.transaction() as tx:
            made = await self.groups.offer(tx, NewGroupOffer(self.ids.new(), terms), "test")
        await self.shop.books.refresh()
        return made

    async def start(self, offer: GroupOffer, number: int = 0) -> BuyingGroup:
        async with self.database.transaction() as tx:
            return await self.groups.start(tx, offer.id, self.ids.new(), person(number))

    async def purse(self, amount: int) -> Purse:
        """A lot of wallet money for everything, to be spent on one order whatever is left to pay."""
        lot, now = self.ids.new(), self.clock.now()
        async with self.database.transaction() as tx:
            await self.shop.tallies.open(tx, [NewTally(lot, TallyKind.WALLET, amount)], now)
        return Purse((PurseLot(lot, now, now + 9 * DAY),), MAX_AMOUNT)

    async def left(self, purse: Purse) -> Level:
        async with self.database.read() as connection:
            [level] = (await self.shop.tallies.levels(connection, [lot.id for lot in purse.lots])).values()
        return level

    async def checkout(self, group: BuyingGroup, number: int, purse: Purse | None = None) -> tuple[UUID, UUID]:
        """A checkout in a group that lacks nothing: (owner, session)."""
        owner = derive("test-owner", number)
        seat = Seat(
            (seats_tally(group.id), person_tally(group.id, person(number))),
            entitlement_of(group.offer, 1),
            group.deadline_at,
        )
        want = msgspec.structs.replace(wanted((LAMP, 1)), seat=seat, purse=purse)
        view = await self.desk.create(owner, SessionKind.CHECKOUT, f"group {group.id} {self.ids.new()}", want)
        async with self.database.transaction() as tx:
            place = GroupSeat(group.id, view.id, person(number), owner, SeatState.WANTED, self.clock.now())
            await self.groups.note(tx, place)
        return owner, view.id

    async def pay(self, session: tuple[UUID, UUID], token: str = "success_token") -> Completion:
        return await self.desk.complete(*session, PaymentInput(f"test{HELD}", token))

    async def hear(self) -> None:
        """What the worker's consumers do with orders of groups: who has left, and what mails are noted."""
        aside = Aside(self.database, self.clock, self.ids)
        for one in (self.purchases().subscription, order_mail(aside)):
            async with self.database.transaction() as tx:
                await ensure(tx, one)
                while await step(tx, one, self.clock):
                    pass
        chore = order_mail_chore(self.desk, self.outbox, "http://shop.example", Links(SECRET, "order", DAY, self.clock))
        while await aside.step(chore):
            pass

    async def join(self, group: BuyingGroup, number: int) -> UUID:
        session = await self.checkout(group, number)
        await self.pay(session)
        return session[1]

    async def try_all(self, sessions: list[tuple[UUID, UUID]]) -> list[Completion | Problem]:
        """All of them at once; refusals are answers."""

        async def one(session: tuple[UUID, UUID]) -> Completion | Problem:
            try:
                return await self.pay(session)
            except Problem as problem:
                return problem

        return await asyncio.gather(*(one(session) for session in sessions))

    async def clean(self) -> list[object]:
        """Everything that any audit finds off, once the provider has been asked for all that is due."""
        while await self.drain.step():
            pass
        async with self.database.read() as connection:
            return [
                *await self.shop.tallies.audit(connection),
                *await self.groups.audit(connection),
                *await self.shop.payments.audit(connection),
                *await self.desk._means.journal.audit(connection),
                *await self.desk.audit(),
            ]


async def offered(shop: OpenShop, product: Listing) -> str:
    """Goods of an open shop that groups may buy; the id outside."""
    terms = GroupTerms(
        product.merchant, product.product, (product.variant,), TIERS, 24, 10, shop.clock.now() + timedelta(days=7)
    )
    async with shop.database.transaction() as tx:
        made = await shop.groups.offer(tx, NewGroupOffer(shop.ids.new(), terms), "test")
    return encode(GROUP_OFFER, made.id)
