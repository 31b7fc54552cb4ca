"""Presales: of all merchants for the market's people, of their own for a merchant's."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Product
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.making import NOT_YOURS, goods_of, product_of, require_own
from nightmarket.entrypoints.console.reading import (
    CURRENCIES,
    currency_of,
    instant,
    money,
    note,
    shown,
    whole,
    zone_words,
    zoned_name,
)
from nightmarket.entrypoints.pages import Form, Formats
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.platform.access import Scope
from nightmarket.promotions.contract.festivals import FESTIVAL, Festival, end_of, zone_of
from nightmarket.promotions.contract.presales import (
    PRESALE,
    NewPresale,
    Presale,
    PresaleState,
    PresaleTerms,
    UnpaidRule,
)
from nightmarket.promotions.errors import OfferRefused, PresaleRefused, TooManyOffers

HERE, SELLING = "/console/presales", "/console/selling/presales"
STATES = {
    PresaleState.PROPOSED: (say_later("proposed"), "warn"),
    PresaleState.APPROVED: (say_later("approved"), "good"),
    PresaleState.DECLINED: (say_later("declined"), "danger"),
    PresaleState.OVER: (say_later("over"), ""),
}
RULES = {
    UnpaidRule.BACK: say_later("the deposit goes back"),
    UnpaidRule.KEPT: say_later("the merchant keeps the deposit"),
    UnpaidRule.PART: say_later("a part of the deposit goes back"),
}
BOOKINGS = {
    "claimed": say_later("Deposit under way"),
    "held": say_later("Deposit paid"),
    "paid": say_later("All paid"),
    "unpaid": say_later("Balance not paid"),
    "returned": say_later("Order cancelled"),
    "refused": say_later("Deposit declined"),
}
DEEDS = ("approve", "decline", "close", "open_balance")
NAMES = ("opens_at", "closes_at", "balance_from", "balance_until")
FIELDS = {name: name for name in ("price", "deposit", "counts_for", "part_back", "units", *NAMES)} | {
    "currency": "price",
    "state": "reason",
    "reason": "reason",
}
NO_VARIANT = say_later("Say which variant, by its SKU.")
NO_FESTIVAL = say_later("Choose the festival whose end ends the guarantee.")
REFUSED = (
    say_later("These goods are not for sale in this currency."),
    say_later("The presale's price lies above nothing and is no more than the list price."),
    say_later("Write what is paid at the booking."),
    say_later("The deposit counts for at least what it is."),
    say_later("The deposit counts for less than the price, so that a balance is left."),
    say_later("The part that goes back lies between nothing and the whole deposit."),
    say_later("Put aside 1 to 5000 units."),
    say_later("The booking ends in the past."),
    say_later("The booking ends before it starts."),
    say_later("Balances are paid after the booking has ended."),
    say_later("The balance window ends before it starts."),
    say_later("The balance is due before the festival ends."),
    say_later("A presale ends within 180 days."),
    say_later("So many units are not in stock."),
    say_later("It was decided about already, or its booking window is over."),
    say_later("Say why, in words for the merchant."),
    say_later("It takes no bookings now."),
    say_later("Its offer is turned off; turn it on first."),
)
"""What promotions refuse, in their words, so that they are translated."""


class PresaleRow(msgspec.Struct, frozen=True):
    """A presale in the list, amounts in words."""

    ident: str
    presale: Presale
    title: str
    state: str
    tone: str
    price: str
    deposit: str
    counts_for: str
    in_all: str
    rule: str
    lowest: str
    bookings: tuple[tuple[str, int], ...]
    zoned: Formats


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.presales.all(connection, desk.merchant)
    return desk.page("preselling/list.html", rows=await _rows(desk, found), new=_may_propose(desk))


async def show(desk: Desk) -> ASGIResponse:
    """One presale, with what came of it."""
    return await _page(desk, await _own(desk), Form())


async def decide(desk: Desk) -> ASGIResponse:
    """Approve or decline; approving takes the units out of stock and publishes the offer. Later: end the booking, or
    let balances be paid, earlier than planned."""
    form, one = await desk.form(), await _own(desk)
    presales, ident = desk.shop.presales, encode(PRESALE, one.id)
    do = form.get("do") if form.get("do") in DEEDS else "decline"
    try:
        async with desk.acting(f"presales.{do}", ident, form.get("reason")) as tx:
            match do:
                case "approve":
                    await presales.approve(tx, one.id, desk.actor.name)
                case "close":
                    await presales.close(tx, one.id)
                case "open_balance":
                    await presales.open_balance(tx, one.id)
                case _:
                    await presales.decline(tx, one.id, form.get("reason"), desk.actor.name)
    except (PresaleRefused, OfferRefused, TooManyOffers) as refused:
        note(desk, form, refused, {}, "reason")
        return await _page(desk, one, form)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}/{ident}")


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: booking for a week from now, the balance the days after."""
    now = desk.now.replace(minute=0, second=0, microsecond=0)
    steps = (timedelta(), timedelta(days=7), timedelta(days=7, hours=1), timedelta(days=10))
    planned = _planned(desk)
    zone = planned[0].zone_info if planned else desk.site.festival_zone
    values = shown(zone, {name: now + step for name, step in zip(NAMES, steps, strict=True)})
    values |= {"once": encode(PRESALE, desk.shop.ids.new()), "currency": CURRENCIES[0], "rule": UnpaidRule.BACK.value}
    return await _form_page(desk, Form(values))


async def propose(desk: Desk) -> ASGIResponse:
    """Propose what the form describes; its id comes with the form."""
    form = await desk.form()
    id = form.once(PRESALE)
    read = await _read(desk, form)
    if read is None:
        return await _form_page(desk, form, 422)
    product, terms, listed = read
    ident = encode(PRESALE, id)
    try:
        async with desk.acting("presales.propose", ident, product.slug) as tx:
            await desk.shop.presales.propose(tx, NewPresale(id, terms, listed), desk.actor.name)
    except PresaleRefused as refused:
        note(desk, form, refused, FIELDS, "price")
        return await _form_page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


def _may_propose(desk: Desk) -> bool:
    return desk.may(Scope.SELLING) and desk.merchant is not None


async def _own(desk: Desk) -> Presale:
    async with desk.shop.database.read() as connection:
        found = await desk.shop.presales.one(connection, desk.id(PRESALE))
    require_own(desk, found.terms.merchant)
    return found


async def _page(desk: Desk, one: Presale, form: Form) -> ASGIResponse:
    [row] = await _rows(desk, [one])
    may, now, terms = desk.may(Scope.OFFERS_WRITE), desk.now, one.terms
    closed = one.state is PresaleState.APPROVED and terms.closes_at <= now < terms.balance_from
    return desk.page(
        "preselling/presale.html",
        status=422 if form.errors else 200,
        form=form,
        row=row,
        may_decide=may and one.state is PresaleState.PROPOSED,
        may_close=may and one.takes_bookings(now),
        may_open=may and closed,
    )


async def _rows(desk: Desk, found: Sequence[Presale]) -> list[PresaleRow]:
    async with desk.shop.database.read() as connection:
        counts = await desk.shop.presales.counts(connection, [one.id for one in found])
    cards = {card.product: card for card in await desk.shop.catalog.cards_of([one.terms.product for one in found])}
    festivals = desk.shop.festivals.all()
    rows: list[PresaleRow] = []
    for one in found:
        card, terms, money_of = cards.get(one.terms.product), one.terms, desk.visit.formats.money
        words, tone = STATES[one.state]
        states = counts.get(one.id, {})
        rows.append(
            PresaleRow(
                ident=encode(PRESALE, one.id),
                presale=one,
                title=(pick(card.title, desk.visit.language) or "") if card else "–",
                state=desk.say(words),
                tone=tone,
                price=money_of(terms.price, terms.currency),
                deposit=money_of(terms.deposit, terms.currency),
                counts_for=money_of(terms.counts_for, terms.currency),
                in_all=money_of(terms.in_all, terms.currency),
                rule=desk.say(RULES[terms.rule]),
                lowest=money_of(one.lowest, terms.currency) if one.lowest is not None else "–",
                bookings=tuple((desk.say(name), states.get(state, 0)) for state, name in BOOKINGS.items()),
                zoned=desk.visit.formats.within(zone_of(festivals, terms.ends_at, desk.now, desk.site.festival_zone)),
            )
        )
    return rows


async def _read(desk: Desk, form: Form) -> tuple[Product, PresaleTerms, int | None] | None:
    """What the form describes; None, with the errors noted, if it cannot be one."""
    currency = currency_of(form)
    amounts = {name: money(desk, form, name, currency) for name in ("price", "deposit", "counts_for", "part_back")}
    units = whole(desk, form, "units")
    festival = next((one for one in _planned(desk) if encode(FESTIVAL, one.id) == form.get("festival")), None)
    zone = festival.zone_info if festival else desk.site.festival_zone
    instants = {name: instant(desk, form, name, zone) for name in NAMES}
    product = await product_of(desk, form)
    if product is not None and product.merchant.id != desk.merchant:  # only a merchant's people propose
        form.wrong("product", desk.say(NOT_YOURS))
    shown = [one for one in product.variants if one.for_sale] if product else []
    variant = next((one for one in shown if one.sku == form.get("sku") or len(shown) == 1), None)
    if product is not None and variant is None:
        form.wrong("sku", desk.say(NO_VARIANT))
    ends_at = end_of(festival) if festival else None
    if ends_at is None:
        form.wrong("festival", desk.say(NO_FESTIVAL))
    rule = form.get("rule")
    at = {name: found for name, found in instants.items() if found is not None}
    if form.errors or product is None or variant is None or ends_at is None or len(at) < len(NAMES):
        return None
    terms = PresaleTerms(
        merchant=product.merchant.id,
        product=product.id,
        variant=variant.id,
        currency=currency,
        units=units,
        rule=UnpaidRule(rule) if rule in set(UnpaidRule) else UnpaidRule.BACK,
        ends_at=ends_at,
        price=amounts["price"],
        deposit=amounts["deposit"],
        counts_for=amounts["counts_for"],
        part_back=amounts["part_back"],
        opens_at=at["opens_at"],
        closes_at=at["closes_at"],
        balance_from=at["balance_from"],
        balance_until=at["balance_until"],
    )
    return product, terms, variant.prices.get(currency)


def _planned(desk: Desk) -> list[Festival]:
    """The festivals that have a plan which is not over; what ends first stands first."""
    ends = [(end, one) for one in desk.shop.festivals.all() if (end := end_of(one)) is not None and end > desk.now]
    return [one for _, one in sorted(ends, key=lambda pair: pair[0])]


async def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    planned = _planned(desk)
    return desk.page(
        "preselling/new.html",
        status=status,
        form=form,
        currencies=CURRENCIES,
        festivals=[(encode(FESTIVAL, one.id), zoned_name(desk, one)) for one in planned],
        zone_words=zone_words(desk, planned),
        rules=[(rule.value, desk.say(words)) for rule, words in RULES.items()],
        products=await goods_of(desk),
    )
