"""Coupons and booklets through the doors of the shop and the console: whose they are, and where stamps are earned."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.access.identities import Identity
from nightmarket.platform.messages import ChannelKind
from nightmarket.promotions.contract import PercentOff
from nightmarket.promotions.contract.booklets import BOOKLET, BookletTerms, NewBooklet, Reward, Stamp, StampAct
from nightmarket.promotions.contract.coupons import COUPON, Coupon, CouponTerms, CouponWay, NewCoupon
from nightmarket.promotions.contract.places import NewPlace, PlaceTerms
from tests.browsing import Visitor
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine
NOW = datetime(2026, 11, 10, 20, tzinfo=UTC)
DAY = timedelta(days=1)
PASSWORD = "a made-up sentence for tests"


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Opened]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home / "home", VirtualClock(NOW)) as made:
        yield made


async def _coupon(house: Opened, way: CouponWay, merchant: UUID | None = None) -> Coupon:
    shop = house.shop
    terms = CouponTerms({"en": "Test coupon"}, way, PercentOff(1_000), NOW, NOW + DAY, NOW, NOW + DAY, 3, 1, merchant)
    async with shop.database.transaction() as tx:
        made = await shop.coupons.make(tx, NewCoupon(shop.ids.new(), terms), "test")
    await shop.books.refresh()
    return made


async def _person(house: Opened, who: str) -> Visitor:
    """A browser whose owner has proven an address."""
    visitor = Visitor(httpx.ASGITransport(house.app))
    identities = house.shop.identities
    key = identities.key_of(f"{who}@example.org")
    token = identities.token(Identity(key, ChannelKind.MAIL, "x", house.shop.clock.now()))
    visitor.client.cookies.set(identities.cookie, token, domain="127.0.0.1")
    return visitor


async def test_a_merchant_reaches_no_coupon_of_another(house: Opened) -> None:
    """Whoever guesses the id of another merchant's coupon finds nothing: not the page, not its codes, not its end; the
    list shows their own only, and nothing has changed."""
    shop = house.shop
    merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
    mine = await _coupon(house, CouponWay.CODES, merchants["lanterns"])
    theirs = await _coupon(house, CouponWay.CODES, merchants["teas"])
    markets = await _coupon(house, CouponWay.CODES)
    account = NewAccount("lanterns@example.org", "Test Merchant", Role.MERCHANT, PASSWORD, merchants["lanterns"])
    await shop.access.accounts.create([account])
    visitor = Visitor(httpx.ASGITransport(house.app))
    fields = {"email": "lanterns@example.org", "password": PASSWORD}
    await visitor.send(await visitor.open("/console/login"), fields)
    own = await visitor.open(f"/console/coupons/{encode(COUPON, mine.id)}")
    assert own.status_code == 200
    token = own.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    listed = (await visitor.open("/console/coupons")).text
    assert encode(COUPON, mine.id) in listed
    for one in (theirs, markets):
        ident = encode(COUPON, one.id)
        assert ident not in listed
        for path in (f"/console/coupons/{ident}", f"/console/selling/coupons/{ident}/codes.csv"):
            assert (await visitor.open(path)).status_code == 404, path
        for start in ("/console/coupons", "/console/selling/coupons"):
            ended = await visitor.client.post(f"{start}/{ident}/end", data={"csrf_token": token})
            assert ended.status_code in {403, 404}, start
        async with shop.database.read() as connection:
            assert (await shop.coupons.one(connection, one.id)).ended_at is None


async def test_a_coupon_stands_beside_goods_it_is_for_and_nowhere_else(house: Opened) -> None:
    """The merchant's open coupon is on the page of the merchant's product with a button that collects it, and not on
    another merchant's."""
    shop = house.shop
    merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
    coupon = await _coupon(house, CouponWay.OPEN, merchants["lanterns"])
    ident, visitor = encode(COUPON, coupon.id), await _person(house, "near")
    page = await visitor.open("/products/lamp")
    assert ident in page.text
    assert ident not in (await visitor.open("/products/oolong")).text
    done = await visitor.send(page, {"coupon": ident}, to="/coupons/collect")
    assert "The coupon is yours." in done.text


async def test_a_stamp_of_a_place_is_earned_by_its_code(house: Opened) -> None:
    """Who has not opened the place's QR code is sent back to it; who has gets the stamp, and with it the coupon."""
    shop = house.shop
    terms = PlaceTerms("old-mall", None, {"en": "Old Mall"}, "1 Made-up Square", "UTC", NOW - DAY, NOW + DAY)
    won = await _coupon(house, CouponWay.WON)
    stamps = (Stamp("s1", "Old Mall", StampAct.PLACE, place="old-mall"),)
    booklet = NewBooklet(shop.ids.new(), BookletTerms({"en": "B"}, NOW, NOW + DAY, stamps, (Reward(1, won.id),)))
    async with shop.database.transaction() as tx:
        place = await shop.places.make(tx, NewPlace(shop.ids.new(), terms), "test")
        await shop.booklets.make(tx, booklet, "test")
    visitor, path = await _person(house, "walker"), f"/booklets/{encode(BOOKLET, booklet.id)}"
    page = await visitor.open(path)
    away = await visitor.send(page, {"stamp": "s1"}, to=f"{path}/stamps")
    assert "First open the QR code" in away.text
    await visitor.open(f"/place/{shop.places.token(place)}")
    here = await visitor.send(page, {"stamp": "s1"}, to=f"{path}/stamps")
    assert "The booklet has turned into a coupon" in here.text
