"""A merchant enrols goods in the market's campaigns, and sees what became of them and who pays."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import ShelfRow
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.festival.campaigns import FUNDERS, before_of, views_of
from nightmarket.entrypoints.console.reading import money
from nightmarket.entrypoints.console.stalls import merchant_of, own
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.campaigns import CAMPAIGN, ENROLMENT, Wanted
from nightmarket.promotions.errors import EnrolmentRefused

HERE = "/console/selling/festival"
ROWS = 40
"""Goods on one page: of each the prices of thirty days are looked up."""

NOTHING = say_later("Write a festival price beside at least one thing.")
REFUSED = (
    say_later("This is not for sale in this currency."),
    say_later("The festival prices of this campaign are in another currency."),
    say_later("This is no reduction: write a price above zero and below the list price."),
    say_later("The campaign wants a larger reduction."),
    say_later("The reduction is larger than the campaign allows."),
    say_later("The festival price lies below your own floor."),
    say_later("The prices of the last 30 days are not all known any more."),
    say_later("The festival price is not the lowest of the last 30 days."),
    say_later("The campaign wants more units put aside."),
    say_later("So many units are not there."),
    say_later("One of these goods is in this campaign already."),
    say_later("This campaign takes no more goods."),
    say_later("This campaign has as many goods as a campaign may have."),
)
"""What promotions refuse, in their words, so that they are translated."""

MONEY = frozenset({"no_reduction", "below_floor", "not_lowest"})
"""Reasons whose amount is money; another one is a number."""


class Row(msgspec.Struct, frozen=True):
    """A variant that can be enrolled."""

    key: str
    row: ShelfRow
    title: str
    listed: int
    lowest: int | None


async def show_list(desk: Desk) -> ASGIResponse:
    """Campaigns that take goods, and what this merchant has enrolled."""
    merchant = await merchant_of(desk)
    await desk.shop.festivals.refresh()
    async with desk.shop.database.read() as connection:
        campaigns = [one for one in await desk.shop.campaigns.all(connection) if one.open and desk.now < one.ends_at]
        names = {one.id: one.name for one in await desk.shop.campaigns.all(connection)}
    async with desk.reading() as connection:
        enrolments, further = await desk.shop.campaigns.enrolments(
            connection, merchant=merchant, before=before_of(desk)
        )
    zones = {one.id: desk.visit.formats.within(desk.shop.festivals.get(one.festival).zone_info) for one in campaigns}
    return desk.page(
        "selling/festival.html",
        campaigns=[(encode(CAMPAIGN, one.id), one, zones[one.id], desk.say(FUNDERS[one.funder])) for one in campaigns],
        views=await views_of(desk, enrolments),
        first=not desk.query("before"),
        further=encode(ENROLMENT, further) if further else "",
        names=names,
        here=HERE,
    )


async def show(desk: Desk) -> ASGIResponse:
    """The merchant's goods with their prices, to be enrolled."""
    return await _page(desk, Form())


async def enrol(desk: Desk) -> ASGIResponse:
    """Enrol everything that has a festival price, or nothing."""
    form = await desk.form()
    merchant = await own(desk)
    campaign = desk.id(CAMPAIGN)
    async with desk.shop.database.read() as connection:
        currency = (await desk.shop.campaigns.get(connection, campaign)).currency
    wanted = _read(desk, form, currency)
    if not wanted and not form.errors:
        form.wrong("id", desk.say(NOTHING))
    if form.errors:
        return await _page(desk, form, 422)
    try:
        async with desk.acting("enrolments.enrol", encode(CAMPAIGN, campaign), f"{merchant.name}: {len(wanted)}") as tx:
            await desk.shop.campaigns.enrol(tx, campaign, merchant.id, wanted, by=desk.actor.name, at=desk.now)
    except EnrolmentRefused as refused:
        for flaw in refused.fields.get("flaws", ()):
            form.wrong(f"{flaw['field']}_{encode('var', UUID(str(flaw['variant'])))}", _said(desk, flaw, currency))
        if not form.errors:
            form.wrong("id", desk.say(refused.detail))
        return await _page(desk, form, refused.status)
    return desk.redirect(f"{HERE}?done=enrolled")


def _said(desk: Desk, flaw: Mapping[str, object], currency: str) -> str:
    words, amount = desk.say(str(flaw["detail"])), flaw["amount"]
    if not isinstance(amount, int) or not amount:
        return words
    if flaw["reason"] in MONEY:
        return f"{words} ({desk.visit.formats.money(amount, currency)})"
    if flaw["reason"] in ("too_little_off", "too_much_off"):
        return f"{words} ({desk.visit.formats.percent(amount)})"
    return f"{words} ({desk.visit.formats.number(amount)})"


async def withdraw(desk: Desk) -> ASGIResponse:
    """Take back what waits for a decision."""
    form = await desk.form()
    merchant = await merchant_of(desk)
    ident = form.get("enrolment")
    async with desk.acting("enrolments.withdraw", ident) as tx:
        id = decode(ENROLMENT, ident)
        await desk.shop.campaigns.withdraw(tx, merchant, id, by=desk.actor.name, at=desk.now)
    return desk.redirect(f"{HERE}?done=enrolment-withdrawn")


def _read(desk: Desk, form: Form, currency: str) -> list[Wanted]:
    found: list[Wanted] = []
    for name, text in form.values.items():
        if not name.startswith("price_var_") or not text.strip():
            continue
        ident = name.removeprefix("price_")
        price, floor = money(desk, form, name, currency), money(desk, form, f"floor_{ident}", currency)
        found.append(Wanted(decode("var", ident), currency, price, floor, form.number(f"units_{ident}", 0)))
    return found


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    merchant = await merchant_of(desk)
    await desk.shop.festivals.refresh()
    after = desk.query("after")
    async with desk.reading() as connection:
        shelf: Sequence[ShelfRow] = await desk.shop.shelf.rows(
            connection, merchant, after=after, limit=ROWS, words=desk.query("q")
        )
    async with desk.shop.database.read() as connection:
        campaign = await desk.shop.campaigns.get(connection, desk.id(CAMPAIGN))
        sold = [one for one in shelf if one.for_sale and campaign.currency in one.prices]
        lowest = await desk.shop.campaigns.lowest(
            connection, [one.variant for one in sold], campaign.currency, desk.now
        )
    rows = [
        Row(
            encode("var", one.variant),
            one,
            pick(one.title, desk.visit.language) or one.sku,
            one.prices[campaign.currency],
            lowest.get(one.variant),
        )
        for one in sold
    ]
    return desk.page(
        "selling/enrol.html",
        status=status,
        form=form,
        campaign=campaign,
        zoned=desk.visit.formats.within(desk.shop.festivals.get(campaign.festival).zone_info),
        funder=desk.say(FUNDERS[campaign.funder]),
        rows=rows,
        currency=campaign.currency,
        elsewhere=sum(one.for_sale for one in shelf) - len(sold),
        words=desk.query("q"),
        after=shelf[-1].sku if len(shelf) == ROWS else "",
        here=HERE,
    )
