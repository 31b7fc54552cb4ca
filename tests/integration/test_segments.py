"""Who shoppers are to the shop: segments from what was bought, first orders, channels, and what prices make of them."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.bootstrap import Shop, chores, consumers, jobs
from nightmarket.engagement.contract.profiles import Purpose
from nightmarket.engagement.contract.segments import NewSegment, Segment, SegmentRules, Took
from nightmarket.engagement.errors import SegmentMoved, SegmentRefused
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode
from nightmarket.orders.contract import Order, PaymentInput, SessionKind
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.jobs.runner import JobRunner
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.promotions.contract import AmountOff, Condition, Offer
from nightmarket.promotions.contract.coupons import Collect, CouponTerms, CouponWay, NewCoupon
from nightmarket.promotions.contract.festivals import Festival, Window
from nightmarket.promotions.errors import CouponNotGiven
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import Opened, opened
from tests.twins import wanted

pytestmark = pytest.mark.engine

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def the_house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Opened]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home / "home", VirtualClock(FESTIVAL_EVE)) as made:
        yield made


@pytest.fixture
def house(the_house: Opened) -> Opened:
    """The house at a time when no earlier offer holds."""
    advance(the_house, 50 * DAY)
    return the_house


def advance(house: Opened, by: timedelta) -> None:
    clock = house.shop.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(by)


async def account(shop: Shop, email: str) -> UUID:
    """A new shopper with a proven address."""
    [made] = await shop.access.accounts.create([NewAccount(email, "Test Shopper", Role.SHOPPER, "made-up words here")])
    async with shop.database.transaction() as tx:
        await shop.profiles.begin(tx, made.id, "en")
    return made.id


async def buy(house: Opened, owner: UUID, sku: str, pieces: int = 1) -> Order:
    """A paid order of that owner."""
    shop, variant = house.shop, decode("var", house.items[sku])
    listing = (await shop.catalog.listings([variant]))[variant]
    key = f"{owner} {shop.clock.now()} {sku}"
    view = await shop.orders.create(owner, SessionKind.CHECKOUT, key, wanted((listing, pieces)))
    return (await shop.orders.complete(owner, view.id, PaymentInput("testpay", "success_token"))).order


async def discount(house: Opened, owner: UUID) -> int:
    """What a lamp in a new cart of that owner is reduced by."""
    shop, variant = house.shop, decode("var", house.items["LAMP"])
    listing = (await shop.catalog.listings([variant]))[variant]
    key = f"look {owner} {shop.clock.now()} {shop.ids.new()}"
    view = await shop.orders.create(owner, SessionKind.CART, key, wanted((listing, 1)))
    return view.assessment.quote.discount


async def hear(shop: Shop) -> None:
    """Let what happened be heard, and what was set aside be done."""
    [own] = [one for one in consumers(shop) if one.name == "purchases"]
    [chore] = [one for one in chores(shop) if one.topic == "purchases"]
    async with shop.database.transaction() as tx:
        await ensure(tx, own)
    while True:
        async with shop.database.transaction() as tx:
            heard = await step(tx, own, shop.clock)
        if not heard:
            break
    while await shop.aside.step(chore):
        pass


async def count(shop: Shop) -> None:
    """What the job does, without its engine: earlier orders, then every account."""
    place: str | None = ""
    while place is not None:
        place = await shop.shoppers.read_orders(place)
    after: str | None = str(UUID(int=0))
    while after is not None:
        after = await shop.shoppers.count_page(after)
    async with shop.database.transaction() as tx:
        await shop.segments.counted(tx, whole=True)


async def save(shop: Shop, word: str, **rules: object) -> Segment:
    new = NewSegment(shop.ids.new(), word, SegmentRules({"en": "Test segment"}, **rules))  # pyright: ignore[reportArgumentType]
    async with shop.database.transaction() as tx:
        return await shop.segments.save(tx, new, "test")


async def publish(house: Opened, off: int = 300, **condition: object) -> Offer:
    shop, now = house.shop, house.shop.clock.now()
    asked = Condition(**condition)  # pyright: ignore[reportArgumentType]
    offer = Offer(shop.ids.new(), 1, {"en": "Test reduction"}, AmountOff({"EUR": off}), now, now + 2 * DAY, asked)
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], now)
    await shop.books.refresh()
    return offer


async def words(shop: Shop, owner: UUID) -> frozenset[str]:
    async with shop.database.read() as connection:
        return await shop.segments.of(connection, owner)


async def test_rules_take_in_those_for_whom_all_that_they_say_holds(house: Opened) -> None:
    """Two shoppers who bought differently, before any segment was made: each rule takes in exactly whom it should, by
    the count over all orders and, for what is bought later, at once."""
    shop = house.shop
    big, small, none = [await account(shop, f"{name}@example.org") for name in ("big", "small", "none")]
    await buy(house, big, "LAMP", 3)
    await buy(house, small, "CANDLE")
    merchant = {one.slug: one.id for one in await shop.catalog.merchants()}
    today = shop.clock.now().date()
    expected = {
        "spent": ({"spent": {"EUR": 5000}}, {big}),
        "merchant": ({"merchants": frozenset({merchant["lanterns"]})}, {big, small}),
        "other-merchant": ({"merchants": frozenset({merchant["teas"]})}, set[UUID]()),
        "category": ({"categories": frozenset({"night"}), "last_days": 30}, {big, small}),
        "never": ({"orders_until": 0}, {none}),
        "new": ({"first_from": today}, {big, small}),
        "old": ({"first_before": today}, set[UUID]()),
        "abroad": ({"regions": frozenset({"IT"})}, set[UUID]()),
        "home": ({"regions": frozenset({"DE"}), "languages": frozenset({"en"})}, {big, small}),
    }
    for word, (rules, _) in expected.items():
        await save(shop, word, **rules)
    await count(shop)
    everybody = {owner: await words(shop, owner) for owner in (big, small, none)}
    for word, (_, members) in expected.items():
        assert {owner for owner, has in everybody.items() if word in has} == members, word
    advance(house, 40 * DAY)
    order = await buy(house, none, "OOLONG")
    await hear(shop)
    assert await words(shop, none) == {"other-merchant", "category", "new", "home"}
    await count(shop)
    assert "category" not in await words(shop, big), "its days are over"
    await shop.orders.cancel_order(none, order.id, "changed my mind")
    await hear(shop)
    assert await words(shop, none) == {"never"}


async def test_a_festivals_offers_tell_who_used_none(house: Opened) -> None:
    """In the time of a festival one orders with an offer, one without, one not at all: those who have used none are the
    other two, and a preview says so without writing anything."""
    shop, now = house.shop, house.shop.clock.now()
    span = Window(id=shop.ids.new(), name={"en": "Night"}, starts_at=now - DAY, ends_at=now + DAY)
    plan = Festival(id=shop.ids.new(), revision=0, name={"en": "Test festival"}, zone="UTC", windows=(span,))
    async with shop.database.transaction() as tx:
        await shop.festivals.save(tx, plan, "test", now - 2 * DAY)
    await shop.festivals.refresh()
    users, plain, away = [await account(shop, f"{name}@example.org") for name in ("user", "plain", "away")]
    await buy(house, plain, "LAMP")
    await publish(house)
    await buy(house, users, "LAMP")
    for took, members in ((Took.USED, {users}), (Took.ORDERED, {users, plain}), (Took.UNUSED, {plain, away})):
        made = await save(shop, took.value, festival=plan.id, took=took)
        await count(shop)
        assert {owner for owner in (users, plain, away) if took.value in await words(shop, owner)} == members
        async with shop.database.read() as connection:
            counted = (await shop.segments.one(connection, made.id)).members
            assert (await shop.segments.preview(connection, made.rules)).members == counted >= len(members)


async def test_prices_know_segments_first_orders_and_channels(house: Opened) -> None:
    """An offer for a segment is its members' alone; who refuses the use of behaviour is in none at once; an offer for
    first orders ends with the first order, whoever's address it is; one for agents is not the storefront's."""
    shop = house.shop
    loyal, other = await account(shop, "loyal@example.org"), await account(shop, "other@example.org")
    await save(shop, "loyal", orders_from=1)
    await publish(house, segments=frozenset({"loyal"}))
    await buy(house, loyal, "CANDLE")
    await count(shop)
    assert (await discount(house, loyal), await discount(house, other)) == (300, 0)
    async with shop.database.transaction() as tx:
        await shop.profiles.decide(tx, loyal, Purpose.BEHAVIOUR, granted=False, language="en")
    assert await discount(house, loyal) == 0
    await publish(house, 500, first_order=True)
    assert (await discount(house, loyal), await discount(house, other)) == (0, 500)
    stranger = shop.ids.new()
    assert await discount(house, stranger) == 0, "nobody knows who that is"
    async with shop.database.transaction() as tx:
        await shop.segments.proven(tx, stranger, shop.identities.key_of("guest@example.org"))
    assert await discount(house, stranger) == 500
    await buy(house, other, "CANDLE")
    await hear(shop)
    assert await discount(house, other) == 300, "a member now, and no first order any more"
    await publish(house, 700, channels=frozenset({"agent"}))
    assert await discount(house, other) == 300
    assert await agent_discount(house) == 700


async def agent_discount(house: Opened) -> int:
    """What a lamp in an agent's cart is reduced by."""
    lines = [{"item": {"id": house.items["LAMP"]}, "quantity": 1}]
    headers = {"ucp-agent": 'profile="https://agent.example/profile"'}
    answer = await house.client.post(
        "/ucp/carts", json={"line_items": lines}, headers=headers | {"Idempotency-Key": "agent-cart"}
    )
    assert answer.status_code == 201, answer.text
    totals = {one["type"]: one["amount"] for one in answer.json()["totals"]}
    return abs(totals.get("discount", 0) + totals.get("items_discount", 0))


async def test_a_coupon_for_a_segment_is_its_members_alone(house: Opened) -> None:
    """Members are shown the coupon and can have it; others are told that it is for others, whatever they send."""
    shop, now = house.shop, house.shop.clock.now()
    loyal, other = await account(shop, "faithful@example.org"), await account(shop, "another@example.org")
    await save(shop, "faithful", orders_from=1)
    await buy(house, loyal, "CANDLE")
    await count(shop)
    terms = CouponTerms(
        name={"en": "For the loyal"},
        way=CouponWay.OPEN,
        effect=AmountOff({"EUR": 200}),
        collect_from=now,
        collect_until=now + DAY,
        use_from=now,
        use_until=now + DAY,
        quota=10,
        condition=Condition(segments=frozenset({"faithful"})),
    )
    async with shop.database.transaction() as tx:
        coupon = await shop.coupons.make(tx, NewCoupon(shop.ids.new(), terms), "test")
    await shop.books.refresh()
    for owner, email, sees in ((loyal, "faithful@example.org", True), (other, "another@example.org", False)):
        person, mine = shop.identities.key_of(email), await words(shop, owner)
        async with shop.database.read() as connection:
            shown = await shop.coupons.on_show(connection, person, (), mine)
        assert [one.id for one in shown] == [coupon.id] * sees
        wish = Collect(person, owner, coupon.id, segments=mine)
        if sees:
            await shop.coupons.collect(wish)
        else:
            with pytest.raises(CouponNotGiven) as refused:
                await shop.coupons.collect(wish)
            assert refused.value.fields["reason"] == "not_yours"
    assert (await discount(house, loyal), await discount(house, other)) == (200, 0)


async def test_the_job_reads_earlier_orders_and_is_asked_for_by_itself(fresh_database: str, home: Path) -> None:
    """An offer that asks for a first order begins the counting: the drain asks for the job once, the job reads what was
    bought before, and until then nobody's order is said to be the first."""
    async with opened(fresh_database, home, VirtualClock(FESTIVAL_EVE)) as house:
        await _job_test(house)


async def _job_test(house: Opened) -> None:
    shop = house.shop
    mine, new = await account(shop, "mine@example.org"), await account(shop, "new@example.org")
    await buy(house, mine, "CANDLE")
    assert await shop.shoppers.step() == 0, "nobody asks"
    await publish(house, first_order=True)
    assert await discount(house, new) == 0, "not known yet"
    assert (await shop.shoppers.step(), await shop.shoppers.step()) == (1, 0)
    runner = JobRunner(shop.database, shop.clock, jobs(shop), executor="test")
    await runner.start()
    try:
        while await runner.step():
            pass
        for _ in range(200):
            async with shop.database.read() as connection:
                known = await shop.segments.following(connection)
            if known is not None and known.whole_at is not None:
                break
            await runner.step()
            await asyncio.sleep(0.05)
    finally:
        await runner.stop()
    assert (await discount(house, new), await discount(house, mine)) == (300, 0)


async def test_wrong_rules_are_refused_and_changes_do_not_cross(house: Opened) -> None:
    """A rule that asks nothing, days in the wrong order, a word that is taken; and of two changes from one revision the
    second is told so."""
    shop = house.shop
    made = await save(shop, "twice", orders_from=1)
    for word, rules, field in (
        ("empty", {}, "word"),
        ("days", {"first_from": FESTIVAL_EVE.date(), "first_before": FESTIVAL_EVE.date()}, "first_before"),
        ("twice", {"orders_from": 2}, "word"),
        ("most", {"orders_from": 3, "orders_until": 2}, "orders_until"),
        ("Not A Word", {"orders_from": 1}, "word"),
    ):
        with pytest.raises(SegmentRefused) as refused:
            await save(shop, word, **rules)
        assert refused.value.field == field, word
    change = NewSegment(made.id, "twice", SegmentRules({"en": "Test"}, orders_from=2), 1)
    async with shop.database.transaction() as tx:
        assert (await shop.segments.save(tx, change, "test")).revision == 2
    late = msgspec.structs.replace(change, rules=SegmentRules({"en": "Test"}, orders_from=5))
    with pytest.raises(SegmentMoved):
        async with shop.database.transaction() as tx:
            await shop.segments.save(tx, late, "test")


async def test_who_leaves_is_forgotten(house: Opened) -> None:
    """After an account has left, no row has its id or its address's key: purchases, segments, coupons, stamps,
    tickets of draws, bookings of surprises; in the draw the ticket stays."""
    shop, now = house.shop, house.shop.clock.now()
    owner, person = await account(shop, "gone@example.org"), shop.identities.key_of("gone@example.org")
    await save(shop, "leaving", orders_from=1)
    await buy(house, owner, "CANDLE")
    await count(shop)
    terms = CouponTerms({"en": "C"}, CouponWay.OPEN, AmountOff({"EUR": 200}), now, now + DAY, now, now + DAY, 5)
    async with shop.database.transaction() as tx:
        coupon = await shop.coupons.make(tx, NewCoupon(shop.ids.new(), terms), "test")
    await shop.coupons.collect(Collect(person, owner, coupon.id))
    ticket = shop.ids.new()
    async with shop.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO promotions.draw_ticket (draw, id, rule, person, account, language, taken_at) "
            "VALUES ($1, $2, 'visit', $3, $4, 'en', $5)",
            shop.ids.new(),
            ticket,
            person,
            owner,
            now,
        )
    login = await shop.access.accounts.login("gone@example.org", "made-up words here", address="test")
    await shop.leaving.leave(login.account)
    tables = {
        "engagement.purchase": ("account", "person"),
        "engagement.segment_member": ("account",),
        "promotions.coupon_held": ("person",),
        "promotions.coupon_holder": ("owner", "person"),
        "promotions.draw_ticket": ("account", "person"),
        "promotions.surprise_booking": ("account", "person"),
    }
    async with shop.database.read() as connection:
        for table, columns in tables.items():
            for column in columns:
                key = person if column == "person" else owner
                assert not await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", key), table
        assert await connection.fetchval("SELECT count(*) FROM promotions.draw_ticket WHERE id = $1", ticket) == 1
        assert not await shop.coupons.audit(connection)
