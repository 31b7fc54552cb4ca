"""Joint offers: proposed, accepted and approved by form, sold, booked between the merchants, and taken back."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import OrderState
from nightmarket.payments.contract import Account
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.access.signing import digest
from nightmarket.platform.http import Cookies, FormTokens
from nightmarket.promotions.contract.collaborations import (
    COLLABORATION,
    GoodsPair,
    JointKind,
    JointState,
    JointTerms,
    NewCollaboration,
    PartnerProposal,
    PartnerRun,
    Side,
    joint_offer,
)
from nightmarket.promotions.errors import CollaborationNotFound, CollaborationRefused, OfferRefused
from tests.doors import ORIGIN, Person
from tests.open_shop import Opened, opened
from tests.placing import place_order
from tests.ucp_talk import key, lines

pytestmark = pytest.mark.engine

FORM = {"content-type": "application/x-www-form-urlencoded"}
HERE, SELLING = "/console/collaborations", "/console/selling/collaborations"


@dataclass
class House:
    """An open shop of two merchants, one person of each, of a third, and of the market."""

    opened: Opened
    lanterns: UUID
    teas: UUID
    persons: dict[str, Person]
    goods: dict[str, UUID]

    @property
    def shop(self) -> Shop:
        return self.opened.shop

    async def get(self, who: str, path: str) -> httpx.Response:
        return await self.opened.client.get(path, headers=self.persons[who].headers)

    async def post(self, who: str, path: str, **fields: str) -> httpx.Response:
        person = self.persons[who]
        return await self.opened.client.post(path, content=person.form(fields), headers={**person.headers, **FORM})

    def terms(self, **changes: object) -> JointTerms:
        now = self.shop.clock.now()
        terms = JointTerms(
            kind=JointKind.BUNDLE,
            name={"en": "Light and tea"},
            first=Side(self.lanterns, self.goods["lamp"], 6_000),
            second=Side(self.teas, self.goods["oolong"], 4_000),
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(days=1),
            prices={"EUR": 2_710},
        )
        return msgspec.structs.replace(terms, **changes)

    async def propose(self, **changes: object) -> UUID:
        """The first merchant proposes; returns the id."""
        id = self.shop.ids.new()
        async with self.shop.database.transaction() as tx:
            await self.shop.collaborations.propose(tx, NewCollaboration(id, self.terms(**changes), self.lanterns), "A")
        return id


async def _person(shop: Shop, name: str, merchant: UUID | None) -> Person:
    role = Role.MERCHANT if merchant else Role.OPERATOR
    new = NewAccount(f"{name}@example.org", f"Test {name}", role, f"made-up words of {name}", merchant)
    (account,) = await shop.access.accounts.create([new])
    async with shop.database.transaction() as tx:
        login = await shop.access.accounts.begin_session(tx, account)
    cookie = {"cookie": f"{Cookies(secure=False).session_name}={login.token}"}
    return Person(name, cookie, digest(login.token).hex(), FormTokens(shop.secret, public_url=ORIGIN))


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with opened(database, Path(tmp_path_factory.mktemp("home"))) as shop:
        known = {one.slug: one.id for one in await shop.shop.catalog.merchants()}
        persons = {
            "lanterns": await _person(shop.shop, "lanterns", known["lanterns"]),
            "teas": await _person(shop.shop, "teas", known["teas"]),
            "third": await _person(shop.shop, "third", shop.shop.ids.new()),
            "market": await _person(shop.shop, "market", None),
        }
        goods = {card.slug: card.product for card in await shop.shop.catalog.cards()}
        goods = {name: next(id for slug, id in goods.items() if name in slug) for name in ("lamp", "oolong", "candle")}
        yield House(shop, known["lanterns"], known["teas"], persons, goods)


async def _sharing(shop: Shop, order: UUID) -> dict[UUID, int]:
    async with shop.database.read() as connection:
        legs = await shop.journal.balances(connection, order)
    return {leg.party: leg.amount for leg in legs if leg.account == Account.SHARING}


async def _move_a_cent(shop: Shop, order: UUID, cents: int) -> None:
    """Somebody changes what the two owe each other behind the shop's back; every posting still sums to zero."""
    async with shop.database.transaction() as tx:
        await tx.execute(
            "UPDATE payments.posting SET amounts = (SELECT array_agg(CASE WHEN leg.account <> 9 THEN leg.amount "
            "ELSE leg.amount + $2 * sign(leg.amount)::bigint END ORDER BY leg.n) FROM unnest(accounts, amounts) "
            "WITH ORDINALITY AS leg (account, amount, n)) WHERE about = $1 AND 9 = ANY(accounts)",
            order,
            cents,
        )


async def _agents_read_who_pays(house: House) -> None:
    """Both are named, the allocations sum, and their parts are told to nobody."""
    wanted = {"line_items": lines(house.opened, LAMP=1, OOLONG=1)}
    cart = await house.opened.client.post("/ucp/carts", json=wanted, headers=key("joint"))
    [told] = cart.json()["discounts"]["applied"]
    assert (told["amount"], sum(part["amount"] for part in told["allocations"])) == (500, 500)
    assert told["funders"] == [encode("mer", one) for one in (house.lanterns, house.teas)]
    assert "funding" not in cart.text, "their parts are theirs to know"


async def test_a_joint_offer_from_the_form_to_the_settlement(house: House) -> None:
    """One merchant proposes by form, the other accepts, the market approves; only then does a cart with both goods get
    the price, which names both; the journal books what they owe each other, each sees its part on the order and in its
    figures, a third merchant sees nothing of it anywhere, and a cancellation takes everything back."""
    shop, id = house.shop, house.shop.ids.new()
    ident = encode(COLLABORATION, id)
    page = await house.get("lanterns", f"{SELLING}/new?partner=teas")
    assert "Oolong" in page.text
    fields = {
        "once": ident,
        "partner": "teas",
        "kind": "bundle",
        "name_en": "Light and tea",
        "first_product": str(house.goods["lamp"]),
        "second_product": str(house.goods["oolong"]),
        "price": "40.00",
        "first_share": "60",
        "second_share": "40",
        "starts_at": (shop.clock.now() - timedelta(hours=1)).isoformat()[:16],
        "ends_at": (shop.clock.now() + timedelta(days=1)).isoformat()[:16],
    }
    dear = await house.post("lanterns", f"{SELLING}/new", **fields)
    assert (dear.status_code, "Both cost no more than this" in dear.text) == (422, True)
    assert (await house.post("lanterns", f"{SELLING}/new", **fields | {"price": "27.10"})).status_code == 303
    for who, status in {"lanterns": 200, "teas": 200, "market": 200, "third": 404}.items():
        assert (await house.get(who, f"{HERE}/{ident}")).status_code == status, who
    assert "Light and tea" not in (await house.get("third", HERE)).text
    assert (await house.post("third", f"{SELLING}/{ident}", do="accept")).status_code == 404
    assert (await house.post("lanterns", f"{SELLING}/{ident}", do="approve")).status_code == 404
    early = await house.post("market", f"{HERE}/{ident}", do="approve")
    assert (early.status_code, "Decide when both merchants have accepted." in early.text) == (422, True)
    assert (await house.post("teas", f"{SELLING}/{ident}", do="accept")).status_code == 303
    assert (await shop.books.refresh()).offers == ()
    assert (await house.post("market", f"{HERE}/{ident}", do="approve")).status_code == 303
    assert (await house.post("market", f"{HERE}/{ident}", do="approve")).status_code == 303, "a repeat changes nothing"
    assert [offer.name["en"] for offer in (await shop.books.refresh()).offers] == ["Light and tea"]

    await _agents_read_who_pays(house)
    order = await place_order(house.opened.client, [house.opened.items["LAMP"], house.opened.items["OOLONG"]])
    number = decode("ord", order)
    async with shop.database.read() as connection:
        rows = (await shop.order_books.rows(connection, [number]))[number]
    off = {row.merchant: sum(s.amount for line in row.body.lines for s in line.shares) for row in rows}
    assert sum(off.values()) == 500
    assert await _sharing(shop, number) == {
        house.lanterns: -(off[house.lanterns] - 300),
        house.teas: -(off[house.teas] - 200),
    }
    for who in ("lanterns", "teas", "market"):
        text = (await house.get(who, f"/console/orders/{order}")).text
        assert [part in text for part in ("Who pays for joint offers", "€3.00", "€2.00")] == [True] * 3, who
    assert (await house.get("third", f"/console/orders/{order}")).status_code == 404
    owed = {}
    for merchant in (house.lanterns, house.teas):
        async with shop.database.as_merchant(merchant) as connection:
            owed[merchant] = (await shop.journal.owed(connection, [number]))[number]
    totals = {row.merchant: row.total for row in rows}
    assert owed[house.lanterns] == totals[house.lanterns] + off[house.lanterns] - 300
    assert owed[house.teas] == totals[house.teas] + off[house.teas] - 200
    assert "From and to partners" in (await house.get("lanterns", "/console/selling/figures")).text
    assert await shop.audit.findings() == []
    await _move_a_cent(shop, number, 1)
    rules = {one.rule for one in await shop.audit.findings()}
    assert rules == {"merchants owe each other their parts of what came off"}
    await _move_a_cent(shop, number, -1)
    await shop.orders.cancel_order(None, number, "test")
    assert await _sharing(shop, number) == {}
    assert (await house.post("teas", f"{SELLING}/{ident}", do="end")).status_code == 303
    assert (await shop.books.refresh()).offers == ()


async def test_a_third_merchant_in_the_same_order_learns_nothing(house: House) -> None:
    """Of a joint offer in an order only those who share it, and the market, are told who pays what."""
    id = await house.propose()
    shop = house.shop
    async with shop.database.transaction() as tx:
        await shop.collaborations.answer(tx, id, house.teas, yes=True, by="B")
        await shop.collaborations.decide(tx, id, yes=True, by="C")
    await shop.books.refresh()
    order = await place_order(house.opened.client, [house.opened.items["LAMP"], house.opened.items["OOLONG"]])
    async with shop.database.transaction() as tx:  # a stall of the third stands in the same order
        await tx.execute(
            "INSERT INTO orders.order SELECT "
            "(jsonb_populate_record(o, jsonb_build_object('merchant', a.merchant_id))).* "
            "FROM orders.order o, platform.account a WHERE o.id = $1 AND o.merchant = $2 AND a.email = $3",
            decode("ord", order),
            house.teas,
            "third@example.org",
        )
    text = (await house.get("third", f"/console/orders/{order}")).text
    assert "Total" in text
    assert "Who pays for joint offers" not in text
    async with shop.database.transaction() as tx:
        await tx.execute(
            "DELETE FROM orders.order WHERE merchant = (SELECT merchant_id FROM platform.account WHERE email = $1)",
            "third@example.org",
        )
        await shop.collaborations.end(tx, id, house.lanterns, by="A")
    await shop.books.refresh()


async def test_nobody_pays_for_another_without_a_word(house: House) -> None:
    """An offer that two merchants share is not published, by whomever, unless both have agreed to this very offer; a no
    has a reason and is the end of it; only who proposed withdraws; what a merchant has no part in is not there."""
    shop, room = house.shop, house.shop.collaborations
    id = await house.propose()
    async with shop.database.transaction() as tx:
        with pytest.raises(OfferRefused, match="Merchants share an offer only"):
            await shop.offers.publish(tx, [joint_offer(id, house.terms())], shop.clock.now())
        with pytest.raises(CollaborationRefused, match="why"):
            await room.answer(tx, id, house.teas, yes=False, by="B", reason=" ")
        with pytest.raises(CollaborationRefused, match="Only who proposed"):
            await room.withdraw(tx, id, house.teas, by="B")
        with pytest.raises(CollaborationNotFound):
            await room.answer(tx, id, shop.ids.new(), yes=True, by="D")
        declined = await room.answer(tx, id, house.teas, yes=False, by="B", reason="Not this month.")
        assert (declined.state, declined.reason) == (JointState.DECLINED, "Not this month.")
        with pytest.raises(CollaborationRefused):
            await room.answer(tx, id, house.teas, yes=True, by="B")
        with pytest.raises(CollaborationRefused):
            await room.decide(tx, id, yes=True, by="C")
    other = await house.propose()
    async with shop.database.transaction() as tx:
        await room.answer(tx, other, house.teas, yes=True, by="B")
        await room.decide(tx, other, yes=True, by="C")
        dearer = msgspec.structs.replace(joint_offer(other, house.terms(), 2), funding=())
        greedy = joint_offer(other, house.terms(first=Side(house.lanterns, house.goods["lamp"], 1_000)), 2)
        with pytest.raises(OfferRefused, match="Merchants share an offer only"):
            await shop.offers.publish(tx, [greedy], shop.clock.now())
        assert dearer.funding == ()
        assert (await room.end(tx, other, house.teas, by="B")).state is JointState.ENDED
        assert (await room.end(tx, other, house.teas, by="B")).state is JointState.ENDED
    await shop.books.refresh()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"second": Side(UUID(int=5), None, 9_000)}, "first_share"),
        ({"prices": {}}, "price"),
        ({"prices": {"EUR": 3_210}}, "price"),
        ({"kind": JointKind.CROSS, "prices": {}}, "percent"),
        ({"name": {}}, "name"),
        ({"most_orders": 0}, "most_orders"),
    ],
)
async def test_what_cannot_be_is_refused_beside_its_field(house: House, change: dict[str, object], field: str) -> None:
    """Terms that do not add up, take nothing off or name nothing are refused when they are proposed."""
    if field == "first_share":
        change = {"first": Side(house.lanterns, house.goods["lamp"], 0)}
    with pytest.raises(CollaborationRefused) as refused:
        await house.propose(**change)
    assert field in {flaw["field"] for flaw in refused.value.fields["flaws"]}


async def test_a_good_of_the_wrong_merchant_is_refused(house: House) -> None:
    """A side names goods that its merchant has on sale, and nobody proposes for two others."""
    with pytest.raises(CollaborationRefused, match="on sale"):
        await house.propose(second=Side(house.teas, house.goods["candle"], 4_000))
    new = NewCollaboration(house.shop.ids.new(), house.terms(), UUID(int=3))
    async with house.shop.database.transaction() as tx:
        with pytest.raises(Problem, match="have a part"):
            await house.shop.collaborations.propose(tx, new, "D")


async def test_proposals_of_partners_are_a_merchants_own(house: House) -> None:
    """The job reads paid orders and puts its result in the place of what was there; from few orders nothing follows. A
    page shows a merchant its own proposals, with a share only where enough people stand behind it, and the market each
    two merchants once with what is known of both."""
    shop = house.shop
    assert (await shop.partners.compute()).startswith("0 proposals from ")
    pairs = (GoodsPair("night", "night", 4.2, 12, 0.5),)
    mine = PartnerProposal(house.lanterns, house.teas, 0.5, None, pairs, house.goods["lamp"], house.goods["oolong"])
    theirs = PartnerProposal(house.teas, house.lanterns, 0.5, 300, pairs, house.goods["oolong"], house.goods["lamp"])
    async with shop.database.transaction() as tx:
        await shop.collaborations.keep_partners(tx, [mine, theirs], PartnerRun(shop.clock.now(), 100, 60))
    first, second, third, market = [
        (await house.get(who, f"{HERE}/partners")).text for who in ("lanterns", "teas", "third", "market")
    ]
    assert "Fewer than 5 of your buyers know them." in first
    assert "of your buyers know" not in first.replace("Fewer than 5 of your buyers know", "")
    assert "4.2 times as often" in first
    assert "3% of your buyers know them." in second
    assert "4.2 times" not in third
    assert market.count("4.2 times as often") == 1
    assert market.count("3% of the buyers of ") == market.count("Fewer than 5 buyers of ") == 1
    assert "first=teas" in second
    assert f"first_product={house.goods['oolong']}" in second
    assert (await house.post("market", f"{HERE}/partners")).status_code == 303
    assert (await house.post("lanterns", f"{HERE}/partners")).status_code == 403
    async with shop.database.read() as connection:
        rows = await shop.order_books.parts(connection, house.lanterns, shop.clock.now() - timedelta(days=1), 10)
        assert await connection.fetchval("SELECT count(*) FROM platform.job WHERE name = 'partners.propose'") == 1
    assert {row.state for row in rows} <= {OrderState.PAID, OrderState.CANCELLED}
