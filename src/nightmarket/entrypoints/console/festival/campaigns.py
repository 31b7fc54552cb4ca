"""Campaigns as operators run them: made, looked through, approved or declined many at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Listing
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import (
    CURRENCIES,
    basis_points,
    currency_of,
    instant,
    names,
    shown,
    zone_words,
    zoned_name,
)
from nightmarket.entrypoints.pages import Form, Formats
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.promotions.contract.campaigns import (
    CAMPAIGN,
    ENROLMENT,
    Campaign,
    Enrolment,
    EnrolmentState,
    Funder,
)
from nightmarket.promotions.contract.festivals import FESTIVAL, Festival
from nightmarket.promotions.errors import CampaignRefused, EnrolmentRefused

HERE = "/console/festival/campaigns"
STATES = {
    EnrolmentState.PROPOSED: (say_later("waits for a decision"), "warn"),
    EnrolmentState.APPROVED: (say_later("approved"), "good"),
    EnrolmentState.DECLINED: (say_later("declined"), "danger"),
    EnrolmentState.WITHDRAWN: (say_later("taken back"), ""),
}
FUNDERS = {Funder.MERCHANT: say_later("the merchant"), Funder.MARKET: say_later("the market")}
REFUSED = (
    say_later("This campaign ends before it starts."),
    say_later("Reductions lie between 0.01 and 99.99 per cent, the least before the most."),
    say_later("Ask for 0 to 1,000,000 units."),
    say_later("Somebody changed this campaign in the meantime; look at it again."),
    say_later("Goods are approved already, so its times, festival, currency and who pays stay as they are."),
    say_later("Choose 1 to 100 goods."),
    say_later("One of these was decided about in the meantime; look again."),
    say_later("Say why, in words for the merchant."),
    say_later("So many units are not there any more."),
    say_later("The festival price is not the lowest of the last 30 days."),
    say_later("So many units are not there."),
    say_later("This campaign takes no more goods."),
)
"""What promotions refuse, in their words, so that they are translated."""


class EnrolmentView(msgspec.Struct, frozen=True):
    """An enrolment in words."""

    ident: str
    enrolment: Enrolment
    title: str
    sku: str
    merchant: str
    state: str
    tone: str


async def show_list(desk: Desk) -> ASGIResponse:
    """Every campaign, with how many goods wait."""
    async with desk.shop.database.read() as connection:
        campaigns = await desk.shop.campaigns.all(connection)
        counts = await desk.shop.campaigns.counts(connection)
    rows = [
        (
            encode(CAMPAIGN, one.id),
            one,
            _formats(desk, one),
            counts.get(one.id, {}).get(EnrolmentState.PROPOSED, 0),
            counts.get(one.id, {}).get(EnrolmentState.APPROVED, 0),
        )
        for one in campaigns
    ]
    return desk.page("festivals/campaigns.html", rows=rows, funders=FUNDERS, here=HERE)


def _formats(desk: Desk, campaign: Campaign) -> Formats:
    return desk.visit.formats.within(_festival(desk, campaign.festival).zone_info)


def _festival(desk: Desk, id: UUID) -> Festival:
    return desk.shop.festivals.get(id)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form of a campaign: from the festival's next midnight on."""
    await desk.shop.festivals.refresh()
    moment = desk.shop.festivals.moment(desk.now)
    values = {"once": encode(CAMPAIGN, desk.shop.ids.new()), "funder": Funder.MERCHANT.value, "open": "yes"}
    if moment is not None and moment.next is not None:
        zone = moment.festival.zone_info
        values |= {
            "festival": encode(FESTIVAL, moment.festival.id),
            **shown(zone, {"starts_at": moment.next.starts_at, "ends_at": moment.festival.phases[-1].ends_at}),
        }
    values |= {"least_off": "10", "most_off": "80", "least_units": "5", "currency": CURRENCIES[0]}
    return _form_page(desk, Form(values))


async def show_edit(desk: Desk) -> ASGIResponse:
    """The form of a campaign as it stands."""
    await desk.shop.festivals.refresh()
    async with desk.shop.database.read() as connection:
        one = await desk.shop.campaigns.get(connection, desk.id(CAMPAIGN))
    zone = _festival(desk, one.festival).zone_info
    values = {
        "once": encode(CAMPAIGN, one.id),
        "revision": str(one.revision),
        "festival": encode(FESTIVAL, one.festival),
        **shown(zone, {"starts_at": one.starts_at, "ends_at": one.ends_at}),
        "least_off": f"{one.least_off / 100:g}",
        "most_off": f"{one.most_off / 100:g}",
        "least_units": str(one.least_units),
        "funder": one.funder.value,
        "currency": one.currency,
        "open": "yes" if one.open else "",
        **{f"name_{language}": text for language, text in one.name.items()},
    }
    return _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Make the campaign that was described, or change it; its id and revision come with the form, so that twice is
    once."""
    form = await desk.form()
    campaign = _read(desk, form)
    if campaign is None:
        return _form_page(desk, form, 422)
    ident = encode(CAMPAIGN, campaign.id)
    try:
        async with desk.acting("campaigns.save", ident, campaign.name.get("en", "")) as tx:
            await desk.shop.campaigns.save(tx, campaign, desk.actor.name, desk.now)
    except CampaignRefused as refused:
        form.wrong(refused.field or "name_en", desk.say(refused.detail))
        return _form_page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}?done={'goods-saved' if campaign.revision else 'campaign-saved'}")


def _read(desk: Desk, form: Form) -> Campaign | None:
    try:
        id, festival = decode(CAMPAIGN, form.get("once")), _festival(desk, decode(FESTIVAL, form.get("festival")))
    except (InvalidInput, NotFound):
        form.wrong("festival", desk.say(say_later("Choose a festival.")))
        return None
    spans = [instant(desk, form, name, festival.zone_info) for name in ("starts_at", "ends_at")]
    least, most = basis_points(desk, form, "least_off"), basis_points(desk, form, "most_off")
    if form.errors or spans[0] is None or spans[1] is None:
        return None
    return Campaign(
        id=id,
        revision=form.number("revision", 0),
        open=bool(form.get("open")),
        currency=currency_of(form),
        festival=festival.id,
        name=names(form, "name"),
        starts_at=spans[0],
        ends_at=spans[1],
        least_off=least,
        most_off=most,
        least_units=form.number("least_units", 0),
        funder=Funder.MARKET if form.get("funder") == Funder.MARKET.value else Funder.MERCHANT,
    )


def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    planned = desk.shop.festivals.all()
    festivals = [(encode(FESTIVAL, one.id), zoned_name(desk, one)) for one in planned]
    return desk.page(
        "festivals/campaign_new.html",
        status=status,
        form=form,
        festivals=festivals,
        zone_words=zone_words(desk, planned),
        funders=FUNDERS,
        currencies=CURRENCIES,
        languages=LANGUAGES,
        here=HERE,
    )


async def show(desk: Desk) -> ASGIResponse:
    """One campaign with all that is enrolled."""
    return await _page(desk, Form())


async def decide(desk: Desk) -> ASGIResponse:
    """Approve or decline all that were chosen, or none."""
    form = await desk.form()
    campaign, do = desk.id(CAMPAIGN), form.get("do")
    if do not in ("approve", "decline"):
        raise InvalidInput(say_later("Choose what to decide."), field="do")
    ids = list(dict.fromkeys(decode(ENROLMENT, text) for text in form.lists.get("id", [])))
    ident = encode(CAMPAIGN, campaign)
    try:
        async with desk.acting(f"enrolments.{do}", ident, ", ".join(form.lists.get("id", []))) as tx:
            if do == "approve":
                await desk.shop.campaigns.approve(tx, ids, by=desk.actor.name, at=desk.now)
            else:
                await desk.shop.campaigns.decline(tx, ids, form.get("reason"), by=desk.actor.name, at=desk.now)
    except EnrolmentRefused as refused:
        form.wrong("reason" if refused.field == "reason" else "id", desk.say(refused.detail))
        return await _page(desk, form, refused.status)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}/{ident}?done=enrolments-{do}")


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    id = desk.id(CAMPAIGN)
    await desk.shop.festivals.refresh()
    async with desk.shop.database.read() as connection:
        campaign = await desk.shop.campaigns.get(connection, id)
        enrolments, further = await desk.shop.campaigns.enrolments(connection, campaign=id, before=before_of(desk))
    return desk.page(
        "festivals/campaign.html",
        status=status,
        form=form,
        campaign=campaign,
        ident=encode(CAMPAIGN, campaign.id),
        zoned=_formats(desk, campaign),
        views=await views_of(desk, enrolments),
        first=not desk.query("before"),
        further=encode(ENROLMENT, further) if further else "",
        funder=desk.say(FUNDERS[campaign.funder]),
        here=HERE,
    )


def before_of(desk: Desk) -> UUID | None:
    """Before which enrolment the page begins."""
    text = desk.query("before")
    return decode(ENROLMENT, text) if text else None


async def views_of(desk: Desk, enrolments: Sequence[Enrolment]) -> list[EnrolmentView]:
    """Enrolments in words, for operators and merchants."""
    listings: Mapping[UUID, Listing] = await desk.shop.catalog.listings([one.variant for one in enrolments])
    names = {one.id: one.name for one in await desk.shop.catalog.merchants()}
    return [
        EnrolmentView(
            ident=encode(ENROLMENT, one.id),
            enrolment=one,
            title=(pick(listings[one.variant].title, desk.visit.language) if one.variant in listings else "") or "",
            sku=listings[one.variant].sku if one.variant in listings else "",
            merchant=names.get(one.merchant, ""),
            state=desk.say(STATES[one.state][0]),
            tone=STATES[one.state][1],
        )
        for one in enrolments
    ]
