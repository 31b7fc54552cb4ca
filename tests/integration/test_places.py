"""Places and samples on a real shop: where a shopper is changes the price for a while; seats are never given twice."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.orders.contract import LineInput, SessionInput, SessionKind
from nightmarket.platform import messages
from nightmarket.promotions.contract import Condition, Hours, Offer, PercentOff
from nightmarket.promotions.contract.places import NewPlace, Place, PlaceTerms
from nightmarket.promotions.contract.samples import (
    SAMPLE,
    BookingState,
    NewBooking,
    NewSample,
    Sample,
    SampleTerms,
    Slot,
    SlotPlan,
    slot_tally,
)
from nightmarket.promotions.errors import PlaceRefused, SampleNotFound, SampleRefused, SlotFull
from nightmarket.promotions.store import samples as sample_store
from tests.open_shop import Opened, opened

NOW = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def house(fresh_database: str, home: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, home, VirtualClock(NOW)) as found:
        yield found


def _clock(house: Opened) -> VirtualClock:
    assert isinstance(house.shop.clock, VirtualClock)
    return house.shop.clock


def _terms(slug: str = "north-mall", merchant: UUID | None = None) -> PlaceTerms:
    return PlaceTerms(
        slug=slug,
        merchant=merchant,
        name={"en": "North Mall"},
        address="1 Made-up Square",
        zone="Europe/Berlin",
        starts_at=NOW - HOUR,
        ends_at=NOW + timedelta(days=10),
    )


async def _place(house: Opened, terms: PlaceTerms) -> Place:
    async with house.shop.database.transaction() as tx:
        return await house.shop.places.make(tx, NewPlace(derive("test-place", terms.slug), terms), "test")


async def _merchant(house: Opened) -> UUID:
    lamp = decode("var", house.items["LAMP"])
    return (await house.shop.catalog.listings([lamp]))[lamp].merchant


async def _sample(house: Opened, seats: int = 10) -> tuple[Sample, list[Slot]]:
    """One sample with two slots of half an hour, in two days."""
    shop, place = house.shop, await _place(house, _terms())
    plan = SlotPlan((NOW + timedelta(days=2)).date(), time(12), time(13), 30, seats)
    new = NewSample(derive("test-sample", seats), SampleTerms(await _merchant(house), place.id, {"en": "Tea"}), plan)
    async with shop.database.transaction() as tx:
        sample = await shop.samples.offer(tx, new, "test")
    async with shop.database.read() as connection:
        return sample, list(await shop.samples.slots(connection, [sample.id], NOW))


def _wanted(slot: Slot, number: int) -> NewBooking:
    return NewBooking(slot.id, derive("person", number), None, f"made.up{number}@example.org", f"Test {number}", "en")


async def _total(house: Opened, owner: UUID) -> int:
    lamp = decode("var", house.items["LAMP"])
    wanted = SessionInput(lines=(LineInput(lamp, 1),), currency="EUR", language="en")
    view = await house.shop.orders.create(owner, SessionKind.CART, str(_clock(house).now()), wanted)
    assert view.assessment.quote is not None
    return view.assessment.quote.total


async def _sound(house: Opened) -> None:
    async with house.shop.database.read() as connection:
        assert await house.shop.samples.audit(connection) == []
        assert await house.shop.tallies.audit(connection) == []


async def test_offers_of_a_place_hold_for_those_who_opened_its_code_for_some_hours(house: Opened) -> None:
    """A cart is cheaper after its owner opened the place's signed code, and only so long; a stranger's is not."""
    shop, place = house.shop, await _place(house, _terms())
    offer = Offer(
        shop.ids.new(), 1, {"en": "Here"}, PercentOff(1_000), NOW, NOW + HOUR * 99,
        condition=Condition(places=frozenset({"north-mall"})),
    )  # fmt: skip
    visitor, stranger = derive("test-visitor"), derive("test-stranger")
    assert await shop.places.where(visitor, NOW) == ()
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], NOW)
    await shop.books.refresh()
    assert await _total(house, visitor) == 2_220
    token = shop.places.token(place)
    assert shop.places.read(token) == (place.id, 1)
    assert shop.places.read(token[:-2] + "xx") is None
    async with shop.database.transaction() as tx:
        assert await shop.places.visit(tx, place, visitor) == NOW + 4 * HOUR
    _clock(house).advance(timedelta(minutes=1))
    assert await _total(house, visitor) == 1_998
    assert await _total(house, stranger) == 2_220
    _clock(house).advance(4 * HOUR)
    assert await _total(house, visitor) == 2_220
    assert await shop.places.sweep() == 1


async def test_one_shopper_is_at_few_places_at_a_time(house: Opened) -> None:
    """A sixth visit ends the oldest, and a closed place counts no visit."""
    shop, visitor = house.shop, derive("test-visitor")
    async with shop.database.transaction() as tx:
        shut = msgspec.structs.replace(_terms("shut"), hours=(Hours(0, 60, frozenset(), "UTC"),))
        assert await shop.places.visit(tx, Place(shop.ids.new(), shut, NOW, "test"), visitor) is None
        offer = Offer(
            shop.ids.new(), 1, {"en": "Here"}, PercentOff(1), NOW, NOW + HOUR, Condition(places=frozenset("p"))
        )
        await shop.offers.publish(tx, [offer], NOW)
    for number in range(6):
        place = await _place(house, _terms(f"mall-{number}"))
        async with shop.database.transaction() as tx:
            await shop.places.visit(tx, place, visitor)
        _clock(house).advance(timedelta(seconds=1))
    await shop.books.refresh()
    assert await shop.places.where(visitor, _clock(house).now()) == [f"mall-{number}" for number in range(1, 6)]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("slug", {"slug": "North Mall"}),
        ("name", {"name": {"de": "Nordpassage"}}),
        ("address", {"address": " "}),
        ("ends_at", {"ends_at": NOW - HOUR * 2}),
        ("zone", {"zone": "Moon/Crater"}),
        ("hours", {"hours": (Hours(600, 500, frozenset(), "UTC"),)}),
    ],
)
async def test_wrong_places_are_refused_at_their_field(house: Opened, field: str, change: dict[str, object]) -> None:
    """Each flaw names its field."""
    with pytest.raises(PlaceRefused) as refused:
        await _place(house, msgspec.structs.replace(_terms(), **change))
    assert refused.value.field == field


async def test_two_hundred_at_once_take_ten_seats_ten_times(house: Opened) -> None:
    """Two hundred people ask for the same slot at once: ten have a seat, and the tally says so."""
    sample, slots = await _sample(house)

    async def ask(number: int) -> bool:
        try:
            async with house.shop.database.transaction() as tx:
                await house.shop.samples.book(tx, _wanted(slots[0], number))
        except SlotFull:
            return False
        return True

    assert sum(await asyncio.gather(*(ask(number) for number in range(200)))) == 10
    async with house.shop.database.read() as connection:
        booked = await house.shop.samples.bookings(connection, [slots[0].id])
        level = (await house.shop.tallies.levels(connection, [slot_tally(slots[0].id)]))[slot_tally(slots[0].id)]
    assert len(booked[slots[0].id]) == 10
    assert (level.held, level.available) == (10, 0)
    assert len({one.code for one in booked[slots[0].id]}) == 10
    assert {one.sample for one in booked[slots[0].id]} == {sample.id}
    await _sound(house)


async def test_a_seat_from_its_booking_to_the_counter(house: Opened) -> None:
    """One seat per person and sample; cancelled it is free again; a code works once, and only at its merchant's."""
    shop = house.shop
    sample, slots = await _sample(house, seats=1)
    async with shop.database.transaction() as tx:
        first = await shop.samples.book(tx, _wanted(slots[0], 1))
        assert await shop.samples.book(tx, _wanted(slots[1], 1)) == first
    with pytest.raises(SlotFull):
        async with shop.database.transaction() as tx:
            await shop.samples.book(tx, _wanted(slots[0], 2))
    async with shop.database.transaction() as tx:
        assert (await shop.samples.cancel(tx, first.id)).state is BookingState.CANCELLED
        assert (await shop.samples.cancel(tx, first.id)).state is BookingState.CANCELLED
        second = await shop.samples.book(tx, _wanted(slots[0], 2))
        third = await shop.samples.book(tx, _wanted(slots[1], 3))
    with pytest.raises(SampleNotFound):
        async with shop.database.transaction() as tx:
            await shop.samples.check_in(tx, derive("another-merchant"), second.code)
    typed = f" {second.code[:4].lower()}-{second.code[4:]} "
    async with shop.database.transaction() as tx:
        came, first_time = await shop.samples.check_in(tx, sample.terms.merchant, typed)
        assert (came.state, first_time) == (BookingState.CAME, True)
        assert (await shop.samples.check_in(tx, sample.terms.merchant, second.code))[1] is False
    with pytest.raises(SampleRefused):
        async with shop.database.transaction() as tx:
            await shop.samples.cancel(tx, second.id)
    await _sound(house)
    _clock(house).advance(timedelta(days=2, hours=5))
    assert await shop.samples.step() == 1
    async with shop.database.read() as connection:
        assert (await shop.samples.booking(connection, third.id)).state is BookingState.MISSED
    await _sound(house)


async def test_letters_go_out_and_names_are_forgotten(house: Opened) -> None:
    """A pass at once, a reminder three hours before, once each; a day after the slot name and address are gone."""
    shop = house.shop
    _, slots = await _sample(house)
    async with shop.database.transaction() as tx:
        booked = await shop.samples.book(tx, _wanted(slots[0], 1))
        again = msgspec.structs.replace(booked, id=derive("test-twin"), person=derive("test-other"))
        assert not await sample_store.book(tx, again)  # its code is the first one's
    assert await shop.samples.step() == 0
    _clock(house).advance(slots[0].starts_at - 2 * HOUR - NOW)
    assert await shop.samples.step() == 1
    assert await shop.samples.step() == 0
    async with shop.database.read() as connection:
        mails = await messages.page_to(connection, "made.up1@example.org", None, 10)
    assert [mail.message.subject for mail in mails] == ["Soon: Tea", "Your sample is waiting: Tea"]
    assert all(booked.code in mail.message.text for mail in mails)
    _clock(house).advance(timedelta(days=2))
    assert await shop.samples.step() == 2  # missed, and forgotten
    async with shop.database.read() as connection:
        left = await shop.samples.booking(connection, booked.id)
    assert (left.email, left.first_name, left.state) == ("", "", BookingState.MISSED)
    await _sound(house)


async def test_who_leaves_gives_the_seat_back_and_is_forgotten(house: Opened) -> None:
    """With the account go the seat ahead, first name and address; the slot is free again."""
    shop, account = house.shop, derive("test-account")
    _, slots = await _sample(house, seats=1)
    async with shop.database.transaction() as tx:
        wanted = msgspec.structs.replace(_wanted(slots[0], 1), account=account)
        booked = await shop.samples.book(tx, wanted)
        await shop.samples.forget(tx, account)
        await shop.samples.forget(tx, account)
        left = await shop.samples.booking(tx, booked.id)
        assert (left.state, left.email, left.first_name, left.account) == (BookingState.CANCELLED, "", "", None)
        await shop.samples.book(tx, _wanted(slots[0], 2))
    await _sound(house)


async def test_a_place_is_changed_gets_a_new_code_and_is_closed(house: Opened) -> None:
    """A change keeps short name and code; a new code ends the earlier one and its visits; a closed place takes no visit
    and no change; and who signs in stays where they are."""
    shop, place = house.shop, await _place(house, _terms())
    visitor, account = derive("test-visitor"), derive("test-account")
    offer = Offer(
        shop.ids.new(), 1, {"en": "Here"}, PercentOff(1_000), NOW, NOW + HOUR * 99,
        condition=Condition(places=frozenset({"north-mall"})),
    )  # fmt: skip
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], NOW)
        moved = msgspec.structs.replace(_terms("other-word"), address="2 Made-up Square")
        place = await shop.places.change(tx, place.id, moved)
        await shop.places.visit(tx, place, visitor)
    assert (place.terms.slug, place.terms.address, place.code) == ("north-mall", "2 Made-up Square", 1)
    await shop.books.refresh()
    async with shop.database.transaction() as tx:
        await shop.places.move(tx, visitor, account)
    assert (await shop.places.where(visitor, NOW), await shop.places.where(account, NOW)) == ([], ["north-mall"])
    first = shop.places.token(place)
    async with shop.database.transaction() as tx:
        place = await shop.places.renew(tx, place.id)
    assert shop.places.read(shop.places.token(place)) == (place.id, 2) != shop.places.read(first)
    assert (await house.client.get(f"/place/{first}", headers={"accept": "text/html"})).status_code == 404
    assert (await house.client.get(f"/place/{shop.places.token(place)}")).status_code == 200
    assert await shop.places.where(account, NOW) == []
    for _ in range(2):
        async with shop.database.transaction() as tx:
            place = await shop.places.close(tx, place.id)
    async with shop.database.transaction() as tx:
        assert await shop.places.visit(tx, place, visitor) is None
        with pytest.raises(PlaceRefused):
            await shop.places.change(tx, place.id, _terms())


async def test_no_seat_is_given_at_a_place_that_is_closed_by_then(house: Opened) -> None:
    """A sample is shown while its merchant sells and its place is open; closing the place gives each seat back and
    tells its holder, once."""
    shop, merchant = house.shop, await _merchant(house)
    sample, slots = await _sample(house)
    async with shop.database.transaction() as tx:
        booked = await shop.samples.book(tx, _wanted(slots[0], 1))
        assert [one.id for one in await shop.samples.bookable(tx, [merchant])] == [sample.id]
        assert await shop.samples.bookable(tx, [derive("another-merchant")]) == []
        assert await shop.samples.bookable(tx, [merchant], derive("another-place")) == []
    page = {"accept": "text/html"}
    assert "Tea" in (await house.client.get("/samples", headers=page)).text
    async with shop.database.transaction() as tx:
        await shop.places.close(tx, sample.terms.place)
        assert await shop.samples.bookable(tx, [merchant]) == []
    with pytest.raises(SampleRefused) as refused:
        async with shop.database.transaction() as tx:
            await shop.samples.book(tx, _wanted(slots[1], 2))
    assert refused.value.fields["reason"] == "closed"
    assert "Tea" not in (await house.client.get("/samples", headers=page)).text
    assert "All times" in (await house.client.get(f"/samples/{encode(SAMPLE, sample.id)}", headers=page)).text
    assert (await shop.samples.step(), await shop.samples.step()) == (1, 0)
    async with shop.database.read() as connection:
        assert (await shop.samples.booking(connection, booked.id)).state is BookingState.CANCELLED
        mails = await messages.page_to(connection, "made.up1@example.org", None, 10)
    assert {mail.message.subject for mail in mails} == {"Cancelled: Tea", "Your sample is waiting: Tea"}
    assert len(mails) == 2
    await _sound(house)


async def test_a_sample_gets_more_slots(house: Opened) -> None:
    """Slots of another day come to those that are there, each once; what is sent twice changes nothing."""
    sample, slots = await _sample(house)
    plan = SlotPlan((NOW + timedelta(days=3)).date(), time(12), time(13), 30, 4)
    for expected in (2, 0):
        async with house.shop.database.transaction() as tx:
            assert await house.shop.samples.extend(tx, sample.id, plan) == expected
    async with house.shop.database.read() as connection:
        assert len(await house.shop.samples.slots(connection, [sample.id], NOW)) == len(slots) + 2
    await _sound(house)
