"""Places at the console: the list, the form, one with its QR code, its printable sheet and its offers."""

from datetime import timedelta

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.offers.fields import Fields, hours_text
from nightmarket.entrypoints.console.reading import basis_points, instant, names, note, shown, zone_name
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.qr import qr_picture
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import NotFound
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.promotions.contract.asking import naming
from nightmarket.promotions.contract.places import PLACE, NewPlace, Place, PlaceTerms
from nightmarket.promotions.errors import OfferRefused, PlaceRefused

HERE = "/console/places"
FIELDS = {
    "name": "name_en",
    "slug": "slug",
    "address": "address",
    "zone": "zone",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "hours": "hours",
}
OFFER_FIELDS = {"name": "name_en", "ends_at": "ends_at", "starts_at": "ends_at", "effect.basis_points": "percent"}
USUAL_DAYS = 30
REFUSED = (
    say_later("Give it a name in English."),
    say_later("A name has 1 to 120 visible letters."),
    say_later("Write the short name in small letters, digits and hyphens, such as north-mall."),
    say_later("Write the address in up to 300 letters."),
    say_later("It ends after it begins."),
    say_later("The end lies in the past."),
    say_later("A place is open for 400 days at most; make it again then."),
    say_later("Write at most 14 lines of hours."),
    say_later("Hours end after they begin, at midnight at the latest."),
    say_later("Write a time zone such as Europe/Berlin."),
    say_later("Another place has that short name."),
    say_later("This place is closed for good; make another."),
)
"""What promotions refuse, in their words, so that they are translated."""


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own and the malls."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.places.all(connection, desk.merchant)
    rows = [(encode(PLACE, one.id), one, one.open_at(desk.now)) for one in found]
    return desk.page("venues/list.html", rows=rows)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: from now for a month, always open."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(PLACE, desk.shop.ids.new()),
        "zone": desk.shop.settings.zone.key,
        **shown(desk.zone, {"starts_at": now, "ends_at": now + timedelta(days=USUAL_DAYS)}),
    }
    return _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Make it; its id comes with the form, so that sending it twice makes one. A merchant's is its own counter."""
    form = await desk.form()
    id, terms = form.once(PLACE), _terms(desk, form, form.get("slug"))
    if terms is None:
        return _form_page(desk, form, 422)
    ident = encode(PLACE, id)
    try:
        async with desk.acting("places.make", ident, terms.slug) as tx:
            await desk.shop.places.make(tx, NewPlace(id, terms), desk.actor.name)
    except PlaceRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return _form_page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def show(desk: Desk) -> ASGIResponse:
    """One place with its code, and the form of an offer for its visitors."""
    return await _place_page(desk, await _seen(desk), Form(_usual(desk)))


async def show_change(desk: Desk) -> ASGIResponse:
    """The form, with what the place is now."""
    place = await _own(desk)
    terms = place.terms
    values = {
        "address": terms.address,
        "zone": terms.zone,
        **shown(desk.zone, {"starts_at": terms.starts_at, "ends_at": terms.ends_at}),
        "hours": hours_text(terms.hours),
    }
    return _form_page(desk, Form(values | {f"name_{one}": text for one, text in terms.name.items()}), place=place)


async def change(desk: Desk) -> ASGIResponse:
    """Give it another name, address, time or hours."""
    form, place = await desk.form(), await _own(desk)
    terms = _terms(desk, form, place.terms.slug)
    if terms is None:
        return _form_page(desk, form, 422, place=place)
    ident = encode(PLACE, place.id)
    try:
        async with desk.acting("places.change", ident, terms.slug) as tx:
            await desk.shop.places.change(tx, place.id, terms)
    except PlaceRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return _form_page(desk, form, refused.status, place=place)
    return desk.redirect(f"{HERE}/{ident}")


async def renew(desk: Desk) -> ASGIResponse:
    """Give it a new code: the earlier ones open nothing any more."""
    await desk.form()
    place = await _own(desk)
    async with desk.acting("places.renew", encode(PLACE, place.id), place.terms.slug) as tx:
        await desk.shop.places.renew(tx, place.id)
    return desk.redirect(f"{HERE}/{encode(PLACE, place.id)}")


async def close(desk: Desk) -> ASGIResponse:
    """Close it for good."""
    await desk.form()
    place = await _own(desk)
    async with desk.acting("places.close", encode(PLACE, place.id), place.terms.slug) as tx:
        await desk.shop.places.close(tx, place.id)
    return desk.redirect(f"{HERE}/{encode(PLACE, place.id)}")


async def sheet(desk: Desk) -> ASGIResponse:
    """The code on a sheet to print."""
    place = await _seen(desk)
    address = f"{desk.shop.settings.address}/place/{desk.shop.places.token(place)}"
    return desk.page("venues/sheet.html", place=place, picture=qr_picture(address), address=address)


async def publish(desk: Desk) -> ASGIResponse:
    """An offer for visitors: so much off, at the cost of the merchant whose people publish it."""
    form, place = await desk.form(), await _seen(desk)
    id = form.once("off")
    percent, ends_at = basis_points(desk, form, "percent"), instant(desk, form, "ends_at")
    if form.errors or ends_at is None:
        return await _place_page(desk, place, form, 422)
    merchant = desk.merchant
    offer = Offer(
        id=id,
        revision=1,
        name=names(form, "name"),
        effect=PercentOff(percent),
        starts_at=max(desk.now, place.terms.starts_at),
        ends_at=min(ends_at, place.terms.ends_at),
        condition=Condition(
            merchants=frozenset() if merchant is None else frozenset({merchant}),
            places=frozenset({place.terms.slug}),
        ),
        funder=merchant,
    )
    try:
        async with desk.acting("places.offer", encode(PLACE, place.id), f"{offer.name.get('en', '')}: {percent}") as tx:
            await desk.shop.offers.publish(tx, [offer], desk.now)
    except OfferRefused as refused:
        note(desk, form, refused, OFFER_FIELDS, "name_en")
        return await _place_page(desk, place, form, refused.status)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}/{encode(PLACE, place.id)}")


async def _own(desk: Desk) -> Place:
    """The place, if this person may change it: malls are the market's."""
    found = await _seen(desk)
    if desk.merchant is not None and found.terms.merchant != desk.merchant:
        raise NotFound("There is nothing with that id.", field="id")
    return found


def _terms(desk: Desk, form: Form, slug: str) -> PlaceTerms | None:
    """What the form says of the place; None, with the errors noted, where it cannot be read."""
    starts_at, ends_at = instant(desk, form, "starts_at"), instant(desk, form, "ends_at")
    hours = Fields(desk, form, "EUR").hours("hours", form.get("zone"))
    if form.errors or starts_at is None or ends_at is None:
        return None
    return PlaceTerms(
        slug=slug,
        merchant=desk.merchant,
        name=names(form, "name"),
        address=form.get("address"),
        zone=form.get("zone"),
        starts_at=starts_at,
        ends_at=ends_at,
        hours=hours,
    )


async def _seen(desk: Desk) -> Place:
    """The place, if this person may see it: malls are everybody's."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.places.one(connection, desk.id(PLACE))
    if desk.merchant is not None and found.terms.merchant not in (None, desk.merchant):
        raise NotFound("There is nothing with that id.", field="id")
    return found


def _usual(desk: Desk) -> dict[str, str]:
    ends = desk.now.replace(second=0, microsecond=0) + timedelta(days=USUAL_DAYS)
    return {"once": encode("off", desk.shop.ids.new()), **shown(desk.zone, {"ends_at": ends})}


async def _place_page(desk: Desk, place: Place, form: Form, status: int = 200) -> ASGIResponse:
    address = f"{desk.shop.settings.address}/place/{desk.shop.places.token(place)}"
    offers = [
        one
        for one in naming(desk.shop.books.current(), "places", place.terms.slug)
        if one.ends_at > desk.now and (desk.merchant is None or one.funder == desk.merchant)
    ]
    return desk.page(
        "venues/place.html",
        status=status,
        form=form,
        place=place,
        zone=zone_name(desk, place.terms.zone),
        ident=encode(PLACE, place.id),
        is_open=place.open_at(desk.now),
        is_own=desk.merchant is None or place.terms.merchant == desk.merchant,
        picture=qr_picture(address),
        address=address,
        offers=offers,
        languages=LANGUAGES,
    )


def _form_page(desk: Desk, form: Form, status: int = 200, *, place: Place | None = None) -> ASGIResponse:
    ident = encode(PLACE, place.id) if place else ""
    return desk.page("venues/new.html", status=status, form=form, languages=LANGUAGES, place=place, ident=ident)
