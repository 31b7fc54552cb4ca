"""Presales on a real database: a place for a deposit, the unit until the balance window ends, the best price."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from nightmarket.bootstrap import PROVIDER, Shop, judge
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive, encode
from nightmarket.orders.contract import (
    Completion,
    Contact,
    Destination,
    LineInput,
    PaymentInput,
    SessionInput,
    SessionKind,
)
from nightmarket.orders.errors import CompletionRefused
from nightmarket.payments.contract import AuthoriseRequest
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.promotions.contract import Condition, FixedPrice, Offer
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window
from nightmarket.promotions.contract.presales import (
    PAY_WITHIN,
    Booking,
    BookingState,
    NewBooking,
    NewPresale,
    Presale,
    PresaleState,
    PresaleTerms,
    UnpaidRule,
)
from nightmarket.promotions.errors import DepositRefused, PresaleClosed, PresaleFull, PresaleRefused
from nightmarket.rehearsal.verdict import Judge
from tests.conftest import FESTIVAL_EVE
from tests.integration.test_rehearsal_judge import write_run
from tests.open_shop import opened

pytestmark = pytest.mark.engine

HOUR = timedelta(hours=1)
GOOD, BAD = "success_token", "fail_token"
READER = Contact("reader@example.org", "Wanda", "Example")
HOME = Destination("DE", "Lantern Lane 1", "Example Town", "12345")


@dataclass
class House:
    """A shop with a presale of candles: 3.50 each, 3.00 in the presale, a deposit of 0.50 that counts for 1.00."""

    shop: Shop
    clock: VirtualClock
    candle: UUID
    number: int = 0
    accounts: list[UUID] = field(default_factory=list[UUID])

    async def terms(self, units: int = 5, rule: UnpaidRule = UnpaidRule.KEPT, part_back: int = 0) -> PresaleTerms:
        listing = (await self.shop.catalog.listings([self.candle]))[self.candle]
        now = self.clock.now()
        return PresaleTerms(
            merchant=listing.merchant,
            product=listing.product,
            variant=self.candle,
            currency="EUR",
            price=300,
            deposit=50,
            counts_for=100,
            units=units,
            rule=rule,
            part_back=part_back,
            opens_at=now,
            closes_at=now + 10 * HOUR,
            balance_from=now + 12 * HOUR,
            balance_until=now + 24 * HOUR,
            ends_at=now + 48 * HOUR,
        )

    async def presale(self, terms: PresaleTerms) -> Presale:
        self.number += 1
        new = NewPresale(derive("test-presale", self.number), terms, 350)
        async with self.shop.database.transaction() as tx:
            await self.shop.presales.propose(tx, new, "merchant")
        async with self.shop.database.transaction() as tx:
            done = await self.shop.presales.approve(tx, new.id, "operator")
        self.clock.advance(timedelta(seconds=1))
        await self.shop.books.refresh()
        return done

    async def account(self) -> UUID:
        name = f"shopper{len(self.accounts)}@example.org"
        [made] = await self.shop.access.accounts.create(
            [NewAccount(name, "Wanda", Role.SHOPPER, "a lantern in the fog")]
        )
        self.accounts.append(made.id)
        return made.id

    def new(self, presale: Presale, account: UUID) -> NewBooking:
        return NewBooking(derive("test-booking", presale.id, account), presale.id, account, "en", PROVIDER)

    async def book(self, presale: Presale, account: UUID, token: str = GOOD) -> Booking:
        return await self.shop.presale_desk.book(self.new(presale, account), token)

    async def later(self, hours: float) -> None:
        self.clock.advance(timedelta(hours=hours))
        await self.shop.books.refresh()

    async def buy(self, account: UUID, key: str, quantity: int = 1) -> Completion:
        listing = (await self.shop.catalog.listings([self.candle]))[self.candle]
        wanted = SessionInput(
            lines=(LineInput(self.candle, quantity),),
            currency="EUR",
            contact=READER,
            destination=HOME,
            options={listing.merchant: "standard"},
        )
        view = await self.shop.orders.create(account, SessionKind.CHECKOUT, key, wanted)
        return await self.shop.orders.complete(account, view.id, PaymentInput(PROVIDER, GOOD), listed=True)

    async def work(self) -> None:
        """What the worker does, until nothing is left."""
        subscription = self.shop.presale_desk.subscription
        payments = PaymentsDrain(self.shop.database, self.shop.providers, self.clock, self.shop.facts)
        for _ in range(20):
            async with self.shop.database.transaction() as tx:
                await ensure(tx, subscription)
                heard = await step(tx, subscription, self.clock)
            done = await self.shop.presale_desk.step() + await payments.step()
            if not heard + done:
                return

    async def festival(self, hours: int, before: Festival | None = None) -> Festival:
        """A festival that ends so many hours after now, or after a festival began that is moved."""
        begins = before.windows[0].starts_at if before else self.clock.now()
        ends = begins + hours * HOUR
        phase = Phase(
            id=derive("test-phase"), kind=PhaseKind.MIDNIGHT, name={"en": "Test"}, starts_at=begins, ends_at=ends
        )
        window = Window(id=derive("test-window"), name={"en": "Test"}, starts_at=begins, ends_at=ends, phases=(phase,))
        plan = Festival(
            id=derive("test-festival"),
            revision=before.revision if before else 0,
            name={"en": "Test"},
            zone="Europe/Berlin",
            windows=(window,),
        )
        async with self.shop.database.transaction() as tx:
            return await self.shop.festivals.save(tx, plan, "test", self.clock.now())

    async def cheap(self, price: int) -> None:
        """Everybody has candles for that price, for an hour from now on."""
        now = self.clock.now()
        offer = Offer(
            derive("cheap", price),
            1,
            {"en": "Cheap hour"},
            FixedPrice({"EUR": price}),
            now,
            now + HOUR,
            Condition(variants=frozenset({self.candle})),
            (await self.shop.catalog.listings([self.candle]))[self.candle].merchant,
        )
        async with self.shop.database.transaction() as tx:
            await self.shop.offers.publish(tx, [offer], now)

    async def mails(self) -> list[str]:
        """The subjects of what was written."""
        async with self.shop.database.read() as connection:
            return [row[0] for row in await connection.fetch("SELECT subject FROM platform.message")]

    async def texts(self, subject: str) -> list[str]:
        """The texts of what was written under that subject."""
        query = "SELECT text FROM platform.message WHERE position($1 IN subject) > 0"
        async with self.shop.database.read() as connection:
            return [row[0] for row in await connection.fetch(query, subject)]

    async def turn(self, key: str, *, off: bool) -> None:
        async with self.shop.database.transaction() as tx:
            await self.shop.switches.turn(tx, [key], off=off, by="test", at=self.clock.now())
        await self.shop.books.refresh()

    async def booking(self, one: Booking) -> Booking:
        async with self.shop.database.read() as connection:
            found = await self.shop.presales.booking(connection, one.id)
        assert found is not None
        return found

    async def stock(self) -> int:
        listing = (await self.shop.catalog.listings([self.candle]))[self.candle]
        async with self.shop.database.read() as connection:
            levels = await self.shop.tallies.levels(connection, [lot.tally for lot in listing.stock])
        return sum(level.available for level in levels.values())

    async def sound(self) -> None:
        """Nothing is off, in no part of the house."""
        await self.work()
        assert await self.shop.audit.findings() == []


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[House]:
    clock = VirtualClock(FESTIVAL_EVE)
    async with opened(fresh_database, tmp_path / "home", clock) as shop:
        candle = await shop.shop.catalog.find("lanterns", "CANDLE")
        assert candle is not None
        clock.advance(timedelta(minutes=1))
        yield House(shop.shop, clock, candle)


async def test_deposit_place_balance(house: House) -> None:
    """Who books pays the deposit, has the next number, and then pays the rest by an ordinary order, once."""
    presale = await house.presale(await house.terms())
    assert await house.stock() == 95
    one, other = await house.account(), await house.account()
    first, second = await house.book(presale, one), await house.book(presale, other)
    assert (first.place, second.place, first.state) == (1, 2, BookingState.HELD)
    assert await house.book(presale, one) == first
    await house.sound()
    await house.later(13)
    bought = await house.buy(one, "balance", quantity=2)
    [line] = bought.order.rows[0].body.lines
    assert line.total == 200 + 350
    assert await house.stock() == 95 - 1
    again = await house.buy(one, "again")
    assert again.order.rows[0].body.lines[0].total == 350
    await house.work()
    paid = await house.booking(first)
    assert (paid.state, paid.order, paid.order_total, paid.kept) == (BookingState.PAID, bought.order.id, 200, 50)
    await house.sound()


async def test_a_rehearsals_judge_misses_nothing(house: House, tmp_path: Path) -> None:
    """Units that a presale had put aside and deposits of its bookings are neither sold twice nor nobody's money."""
    one, other = await house.account(), await house.account()
    presale = await house.presale(await house.terms())
    await house.book(presale, one)
    await house.book(presale, other)
    await house.later(13)
    await house.buy(one, "balance", quantity=2)
    await house.work()
    write_run(tmp_path, tmp_path, house.clock.now())
    result = await Judge(judge(house.shop).court, patience_seconds=0).judge(tmp_path)
    assert [line for one in result.answers if one.name != "all have heard" for line in one.found] == []


async def test_windows_are_brought_forward(house: House) -> None:
    """The operator ends the booking early and opens the balance early, each safe to repeat and in this order only; what
    nobody booked is sold again, once, also when the mechanic was off for a while; who booked pays the balance at once
    and is written to in the festival's time."""
    await house.festival(48)
    presale, account = await house.presale(await house.terms()), await house.account()
    presales, database = house.shop.presales, house.shop.database
    booking = await house.book(presale, account)
    with pytest.raises(PresaleRefused):
        async with database.transaction() as tx:
            await presales.open_balance(tx, presale.id)
    async with database.transaction() as tx:
        await presales.close(tx, presale.id)
    async with database.transaction() as tx:
        closed = await presales.close(tx, presale.id)
    assert closed.terms.balance_from == presale.terms.balance_from
    with pytest.raises(PresaleClosed):
        await house.book(presale, await house.account())
    await house.work()
    assert await house.stock() == 100 - 1
    await house.turn("mechanic:fixed", off=True)
    with pytest.raises(PresaleRefused):
        async with database.transaction() as tx:
            await presales.open_balance(tx, presale.id)
    await house.turn("mechanic:fixed", off=False)
    await house.work()
    assert await house.stock() == 100 - 1
    for _ in range(2):
        async with database.transaction() as tx:
            await presales.open_balance(tx, presale.id)
    await house.later(0)
    assert await presales.remind() == 1
    assert (await house.buy(account, "early")).order.rows[0].body.lines[0].total == 200
    await house.work()
    assert (await house.booking(booking)).state is BookingState.PAID
    [text] = await house.texts("Pay the balance")
    assert f"{presale.terms.balance_until.astimezone(ZoneInfo('Europe/Berlin')):%H:%M} CET" in text
    await house.sound()


async def test_units_stay_put_aside_when_stock_is_gone(house: House) -> None:
    """Everybody else may buy the last unit of stock; who booked still gets theirs, and nobody gets a unit twice."""
    presale = await house.presale(await house.terms(units=99))
    booked, stranger = await house.account(), await house.account()
    await house.book(presale, booked)
    assert await house.stock() == 1
    await house.buy(stranger, "last")
    await house.later(12.5)
    with pytest.raises(CompletionRefused):
        await house.buy(stranger, "more")
    done = await house.buy(booked, "balance")
    assert done.order.rows[0].body.lines[0].total == 200
    await house.sound()


@pytest.mark.parametrize(
    ("rule", "part", "back"), [(UnpaidRule.BACK, 0, 50), (UnpaidRule.KEPT, 0, 0), (UnpaidRule.PART, 20, 20)]
)
async def test_unpaid_balance_follows_the_rule(house: House, rule: UnpaidRule, part: int, back: int) -> None:
    """After the window the unit is sold to others, and of the deposit goes back what was stated."""
    presale = await house.presale(await house.terms(rule=rule, part_back=part))
    account = await house.account()
    booking = await house.book(presale, account)
    await house.later(24)
    await house.work()
    assert (await house.booking(booking)).state is BookingState.HELD
    await house.later(0.1)
    await house.work()
    ended = await house.booking(booking)
    assert (ended.state, ended.given_back, ended.kept) == (BookingState.UNPAID, back, 50 - back)
    assert await house.stock() == 100
    assert (await house.buy(account, "late")).order.rows[0].body.lines[0].total == 350
    await house.sound()


async def test_best_price_is_paid_back(house: House) -> None:
    """A lower public price before the festival's end is paid back by itself, once, out of the deposit."""
    presale = await house.presale(await house.terms())
    account = await house.account()
    booking = await house.book(presale, account)
    await house.later(13)
    await house.buy(account, "balance")
    await house.work()
    await house.cheap(230)
    await house.later(5)
    await house.work()
    await house.work()
    found = await house.booking(booking)
    assert (found.given_back, found.kept) == (20, 30)
    await house.later(40)
    await house.sound()
    async with house.shop.database.read() as connection:
        assert (await house.shop.presales.one(connection, presale.id)).state is PresaleState.OVER
    assert (await house.booking(booking)).given_back == 20


async def test_best_price_above_the_deposit(house: House) -> None:
    """What the guarantee owes beyond the deposit comes out of the order, which then comes to less; each time that the
    price falls further, until the festival's end wherever that is moved to; and a cancellation gives back the rest."""
    festival = await house.festival(hours=48)
    presale = await house.presale(await house.terms())
    account = await house.account()
    booking = await house.book(presale, account)
    await house.later(13)
    bought = await house.buy(account, "balance")
    await house.work()
    await house.cheap(180)
    await house.later(2)
    await house.work()
    found = await house.booking(booking)
    assert (found.given_back, found.kept) == (70, 0)
    order = await house.shop.orders.order(account, bought.order.id)
    assert order.total == bought.order.total - 20
    assert order.rows[0].body.lines[0].total == 180
    await house.sound()
    await house.festival(hours=100, before=festival)
    await house.later(40)  # after the first end, before the second
    await house.cheap(100)
    await house.later(2)
    await house.work()
    assert (await house.booking(booking)).given_back == 150
    order = await house.shop.orders.order(account, bought.order.id)
    [payment] = order.payments
    assert (order.total, payment.refunded) == (bought.order.total - 100, 100)
    await house.sound()
    assert len([mail for mail in await house.mails() if "Best price" in mail]) == 2
    await house.shop.orders.cancel_order(account, order.id, "changed my mind")
    await house.sound()
    [payment] = (await house.shop.orders.order(account, order.id)).payments
    assert payment.refunded == payment.amount
    assert (await house.booking(booking)).given_back == 50


async def test_cancelled_order_gives_the_deposit_back(house: House) -> None:
    """An order that is cancelled undoes the presale: the deposit goes back and the unit is stock again."""
    presale = await house.presale(await house.terms())
    account = await house.account()
    booking = await house.book(presale, account)
    await house.later(13)
    done = await house.buy(account, "balance")
    await house.work()
    await house.shop.orders.cancel_order(account, done.order.id, "changed my mind")
    await house.work()
    found = await house.booking(booking)
    assert (found.state, found.given_back, found.kept) == (BookingState.RETURNED, 50, 0)
    assert await house.stock() == 100
    await house.sound()


async def test_crowd_gets_as_many_places_as_there_are(house: House) -> None:
    """Two hundred at once for fifty units: fifty places, numbered 1 to 50, everybody else is told, nobody pays."""
    presale = await house.presale(await house.terms(units=50))
    crowd = [derive("somebody", number) for number in range(200)]
    results = await asyncio.gather(*(house.book(presale, one) for one in crowd), return_exceptions=True)
    places = [one.place for one in results if isinstance(one, Booking)]
    assert sorted(place or 0 for place in places) == list(range(1, 51))
    assert Counter(type(one) for one in results if not isinstance(one, Booking)) == {PresaleFull: 150}
    await house.sound()


async def test_declined_deposit_holds_nothing(house: House) -> None:
    """A declined card books nothing, and its place is free for the next."""
    presale = await house.presale(await house.terms(units=1))
    account = derive("somebody")
    with pytest.raises(DepositRefused):
        await house.book(presale, account, BAD)
    assert (await house.book(presale, derive("another"))).place == 1
    await house.sound()


async def test_killed_between_provider_and_note(house: House) -> None:
    """A process that ends after the provider said yes leaves a booking that the worker takes on; one that ends before
    it asked leaves a place that comes back."""
    presale = await house.presale(await house.terms(units=2))
    asked, silent = house.new(presale, derive("asked")), house.new(presale, derive("silent"))
    await house.shop.presale_desk.claims.submit(asked)
    await house.shop.presale_desk.claims.submit(silent)
    await house.shop.provider.authorise(AuthoriseRequest(str(asked.id), 50, "EUR", GOOD, asked.id))
    house.clock.advance(timedelta(minutes=1))
    await house.work()
    async with house.shop.database.read() as connection:
        found = await house.shop.presales.booking(connection, asked.id)
        waits = await house.shop.presales.booking(connection, silent.id)
    assert found is not None
    assert waits is not None
    assert (found.state, found.place, waits.state) == (BookingState.HELD, 1, BookingState.CLAIMED)
    house.clock.advance(PAY_WITHIN)
    await house.sound()
    assert (await house.book(presale, derive("third"))).place == 2
    await house.sound()


async def test_wrong_presales_are_refused(house: House) -> None:
    """What cannot hold is refused with the field; so is a booking outside the window."""
    good = await house.terms()
    wrong = {
        "price": {"price": 400},
        "counts_for": {"counts_for": 40},
        "balance_from": {"balance_from": good.opens_at},
        "units": {"units": 0},
    }
    for name, change in wrong.items():
        with pytest.raises(PresaleRefused) as refused:
            await house.presale(msgspec.structs.replace(good, **change))
        assert name in {flaw["field"] for flaw in refused.value.fields["flaws"]}
    with pytest.raises(PresaleRefused, match="not in stock"):
        await house.presale(await house.terms(units=500))
    presale = await house.presale(good)
    await house.later(11)
    with pytest.raises(PresaleClosed):
        await house.book(presale, derive("late"))
    assert encode("pre", presale.id).startswith("pre_")
