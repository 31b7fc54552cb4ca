"""What is behind the doors of the application: one thing for every kind of address."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Brand,
    Category,
    ImportRequest,
    ImportRun,
    Listing,
    RunState,
    SizeChart,
)
from nightmarket.gate.contract import Guards, NewRoom
from nightmarket.kernel.ids import decode
from nightmarket.platform.database import Connection
from nightmarket.platform.jobs import JobDesk, JobRequest
from nightmarket.platform.messages import ChannelKind, Filter, Message, page
from nightmarket.promotions.contract import Offer, PercentOff
from nightmarket.promotions.contract.campaigns import Campaign, Funder
from nightmarket.promotions.contract.festivals import Festival
from nightmarket.promotions.contract.switches import PlanB
from nightmarket.rehearsal.contract import Plan
from nightmarket.rehearsal.handlers.recording import Recorder, rehearsals_folder
from nightmarket.stage.contract import Page, PageText
from tests.doors import outside
from tests.drawing import couponed, drawn_up, sealed, segmented
from tests.grouping import offered
from tests.open_shop import Opened
from tests.partnering import proposed
from tests.past_trials import tried_on_the_past
from tests.placing import held_claim, place_order
from tests.preselling import presold
from tests.sampling import mall, sample_at
from tests.spending import packet_in


async def listing_of(opened: Opened, sku: str) -> Listing:
    variant = decode("var", opened.items[sku])
    return (await opened.shop.catalog.listings([variant]))[variant]


def _rehearsal(shop: Shop) -> str:
    """A run that was played, as its folder tells."""
    run = outside("reh", shop.ids.new())
    plan = Plan(
        run=run,
        seed=7,
        minutes=1,
        peak=5,
        scale=1,
        orders=10,
        processes=1,
        against="http://127.0.0.1:1111",
        own_shop=True,
        home="home",
        cores=2,
        asked_at="2026-11-10T12:00:00+00:00",
        asked_by="a test",
    )
    Recorder(rehearsals_folder(shop.settings.home) / run, plan).close()
    (rehearsals_folder(shop.settings.home) / run / "report.html").write_text("<p>go</p>")
    return run


async def things_behind(opened: Opened, lamp: Listing) -> dict[str, str]:
    shop = opened.shop
    order = await place_order(opened.client, [opened.items["LAMP"], opened.items["OOLONG"]])
    now = shop.clock.now()
    offer = Offer(shop.ids.new(), 1, {"en": "Test offer"}, PercentOff(500), now, now + timedelta(days=1))
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], now)
        letter = Message(key="k", channel=ChannelKind.MAIL, to="a@example.org", language="en", subject="s", text="t")
        await shop.outbox.send(tx, [letter])
        await JobDesk(shop.clock).request(tx, [JobRequest("test-job", "test.job", "test")])
        message = await _message(tx)
        await _words(shop, tx)
    await shop.pages.refresh()
    await shop.books.refresh()
    session = order.replace("ord_", "chk_")
    upload = await _import(shop)
    return {
        "/console/imports": upload,
        "/console/orders": order,
        "/console/stock": outside("tal", lamp.stock[0].tally),
        "/console/selling/goods": outside("prd", lamp.product),
        "/console/merchants": outside("mer", lamp.merchant),
        "/console/people": outside("acc", shop.ids.new()),
        "/console/rehearsals": _rehearsal(shop),
        "/console/keys": outside("key", shop.ids.new()),
        "/console/claims": outside("clm", await held_claim(shop, lamp)),
        "/console/enquiries": outside("enq", shop.ids.new()),
        "/console/offers": outside("off", offer.id),
        "/console/simulator": await tried_on_the_past(shop),
        "/console/guard": outside("gst", shop.ids.new()),
        "/console/gates": await _gate(shop),
        "/console/draws": await drawn_up(shop),
        "/console/segments": await segmented(shop),
        "/console/coupons": (coupon := await couponed(shop)),
        "/console/selling/coupons": coupon,
        "/console/places": (place := await mall(shop)),
        "/console/samples": await sample_at(shop, decode("plc", place), lamp.merchant),
        "/console/surprises": (surprise := await sealed(shop, lamp)),
        "/console/selling/surprises": surprise,
        "/console/presales": await presold(shop, lamp),
        "/console/wallets": (packet := await packet_in(shop)),
        "/packets": packet,
        "/console/groups": (together := await offered(shop, lamp)),
        "/console/selling/groups": together,
        "/console/collaborations": (joint := await proposed(shop, lamp)),
        "/console/selling/collaborations": joint,
        "/console/festival/plan": await _festival(shop),
        "/console/festival/campaigns": (campaign := await _campaign(shop)),
        "/console/selling/festival": campaign,
        "/console/festival/sets": await _plan_b(shop),
        "/console/messages": message,
        "/orders": order,
        "/checkout": session,
        "/ucp/orders": order,
        "/ucp/checkout-sessions": session,
        "/ucp/carts": order.replace("ord_", "cart_"),
    }


async def _festival(shop: Shop) -> str:
    festival = Festival(id=shop.ids.new(), revision=0, name={"en": "Test night"}, zone="Europe/Berlin")
    async with shop.database.transaction() as tx:
        await shop.festivals.save(tx, festival, "test", shop.clock.now())
    await shop.festivals.refresh()
    return outside("fes", festival.id)


async def _campaign(shop: Shop) -> str:
    now = shop.clock.now()
    campaign = Campaign(
        id=shop.ids.new(),
        revision=0,
        festival=shop.festivals.all()[0].id,
        name={"en": "Test campaign"},
        starts_at=now,
        ends_at=now + timedelta(days=1),
        least_off=1_000,
        most_off=5_000,
        least_units=1,
        funder=Funder.MERCHANT,
    )
    async with shop.database.transaction() as tx:
        await shop.campaigns.save(tx, campaign, "test", now)
    return outside("cmp", campaign.id)


async def _plan_b(shop: Shop) -> str:
    plan = PlanB(shop.ids.new(), "Calm", ("block:front.rush",), shop.clock.now(), "test")
    async with shop.database.transaction() as tx:
        await shop.switches.prepare(tx, plan)
    return outside("plb", plan.id)


async def _gate(shop: Shop) -> str:
    later = shop.clock.now() + timedelta(days=1)
    new = NewRoom(name="Test room", guards=Guards.OUTSIDE, gathers_at=later, opens_at=later, rate_milli=1_000)
    async with shop.database.transaction() as tx:
        room = await shop.gates.make(tx, new, "test")
    await shop.gates.refresh()
    return outside("gat", room.id)


async def _words(shop: Shop, tx: Connection) -> None:
    """One of each thing that addresses name by `lamp`, besides the product."""
    names = {"en": "Lamp"}
    await shop.editor.save_categories(tx, [Category("lamp", names, None, None, version=0)])
    await shop.editor.save_brands(tx, [Brand("lamp", "Lamp", version=0)])
    await shop.editor.save_attributes(tx, [Attribute("lamp", names, AttributeType.TEXT, version=0)])
    await shop.editor.save_size_charts(tx, [SizeChart("lamp", names, (names,), (("1",),), version=0)])
    text = {"en": PageText("Lamp", "Words.")}
    await shop.pages.save(tx, Page("lamp", text, True, 0, shop.clock.now(), "test"), shop.clock.now())


async def _import(shop: Shop) -> str:
    """A file of the merchant that waits to be looked at."""
    file = shop.import_runs.uploads / "goods.csv"
    file.parent.mkdir(parents=True)
    file.write_text("sku,title.en,price.EUR\nNEW,New,1.00\n")
    request = ImportRequest(file=str(file), merchant="lanterns")
    now = shop.clock.now()
    run = ImportRun(
        id=shop.ids.new(),
        merchant="lanterns",
        requested_by="test",
        file=file.name,
        request=request,
        state=RunState.READY,
        begun_at=now,
        updated_at=now,
    )
    async with shop.database.transaction() as tx:
        await shop.import_runs.add(tx, run)
    return outside("imp", run.id)


async def _message(connection: Connection) -> str:
    return outside("msg", (await page(connection, Filter(), None, 1))[0].id)
