"""Offers: the book that prices are made from, publishing and retiring."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import islice
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.console.reading import shown
from nightmarket.entrypoints.console.words import REASONS
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound, Problem
from nightmarket.promotions.contract import Each, Offer, Which, budget_tally, flaws, offer_of
from nightmarket.promotions.contract.asking import how_many, in_turn
from nightmarket.promotions.errors import OfferRefused
from nightmarket.tally.contract import Level

from .form import note_refusal, read_offer
from .samples import Sample, try_out
from .wording import wording_of

SHOWN_LIMIT = 200
"""Offers on one page: those that run first, then those to come, then those that are over."""

PAGES = 2_000
PAGE_DIGITS = 8

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")
RUNNING, PLANNED, OVER = 0, 1, 2
PHASES = {
    RUNNING: (say_later("running"), "good"),
    PLANNED: (say_later("planned"), "warn"),
    OVER: (say_later("over"), ""),
}


EACH = {
    Each.TOGETHER: say_later("all of it together"),
    Each.LINE: say_later("each item"),
    Each.PIECE: say_later("each piece"),
}
WHICH = {
    Which.GROUPS: say_later("the last of each group, dearest first"),
    Which.CHEAPEST: say_later("the cheapest of all"),
    Which.DEAREST: say_later("the dearest of all"),
}


class BudgetView(msgspec.Struct, frozen=True):
    """What an offer may still give in one currency, of how much, as money."""

    left: str
    of: str


class OfferView(msgspec.Struct, frozen=True):
    """An offer in words."""

    ident: str
    offer: Offer
    effect: str
    phase: int
    conditions: Sequence[str]
    funder: str
    uses: Level | None
    per_buyer: str
    budgets: Sequence[BudgetView]


async def show_list(desk: Desk) -> ASGIResponse:
    """The current book. A merchant's person sees their own offers and those of the market that touch their goods."""
    book, page = desk.shop.books.current(), desk.query("page")
    number = min(int(page), PAGES) if page.isascii() and page.isdigit() and len(page) < PAGE_DIGITS else 1
    before = (max(1, number) - 1) * SHOWN_LIMIT
    found = islice(in_turn(book, desk.now, desk.merchant, skip=before), SHOWN_LIMIT)
    views = await _views(desk, list(found))
    amount = how_many(book, desk.merchant)
    return desk.page(
        "offers/list.html",
        book=book.number,
        offers=views,
        amount=amount,
        number=before // SHOWN_LIMIT + 1,
        pages=-(-amount // SHOWN_LIMIT),
        phases={phase: (desk.say(word), tone) for phase, (word, tone) in PHASES.items()},
    )


async def show_new(desk: Desk) -> ASGIResponse:
    """An empty form: from now for a week."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode("off", desk.shop.ids.new()),
        "effect": "percent",
        "currency": CURRENCY,
        **shown(desk.zone, {"starts_at": now, "ends_at": now + timedelta(days=7)}),
    }
    return await _form_page(desk, Form(values))


async def publish(desk: Desk) -> ASGIResponse:
    """Publish the offer that the form describes; its id comes with the form, so sending it twice publishes it once."""
    form = await desk.form()
    id = form.once("off")
    if offer_of(desk.shop.books.current(), id) is not None:
        return desk.redirect("/console/offers?done=published")
    offer = await read_offer(desk, form, id)
    if form.get("try"):
        return await _tried(desk, form, offer)
    if offer is None:
        return await _form_page(desk, form, 422)
    try:
        async with desk.acting("offers.publish", encode("off", id), offer.name["en"]) as tx:
            await desk.shop.offers.publish(tx, [offer], desk.now)
    except Problem as problem:
        note_refusal(desk, form, problem)
        return await _form_page(desk, form, problem.status)
    await desk.shop.books.refresh()
    return desk.redirect("/console/offers?done=published")


async def show_retire(desk: Desk) -> ASGIResponse:
    """The question whether the offer shall end now."""
    view = (await _views(desk, [_offer(desk)]))[0]
    return desk.page("offers/question.html", view=view)


async def retire(desk: Desk) -> ASGIResponse:
    """End the offer from the next book on."""
    await desk.form()
    offer = _offer(desk)
    async with desk.acting("offers.retire", encode("off", offer.id), pick(offer.name, "en") or "") as tx:
        await desk.shop.offers.retire(tx, [offer.id], desk.now)
    await desk.shop.books.refresh()
    return desk.redirect("/console/offers?done=retired")


def _offer(desk: Desk) -> Offer:
    id = desk.id("off")
    offer = offer_of(desk.shop.books.current(), id)
    if offer is not None:
        return offer
    raise NotFound("That offer is not in the current book.", field="id")


async def _views(desk: Desk, offers: Sequence[Offer]) -> list[OfferView]:
    words = await wording_of(desk)
    async with desk.shop.database.read() as connection:
        budgets = [budget_tally(offer.id, currency) for offer in offers for currency in offer.budget]
        uses = [offer.uses for offer in offers if offer.uses]
        levels = await desk.shop.tallies.levels(connection, [*uses, *budgets])
    return [
        OfferView(
            ident=encode("off", offer.id),
            offer=offer,
            effect=words.effect(offer),
            phase=PLANNED if desk.now < offer.starts_at else RUNNING if desk.now < offer.ends_at else OVER,
            conditions=words.conditions(offer),
            funder=words.funder(offer),
            uses=levels.get(offer.uses) if offer.uses else None,
            per_buyer=_per_buyer(desk, offer),
            budgets=_budgets(desk, offer, levels),
        )
        for offer in offers
    ]


def _per_buyer(desk: Desk, offer: Offer) -> str:
    """How much of the offer one buyer may have, in words."""
    cap, said = offer.per_buyer, list[str]()
    if cap is not None and cap.uses is not None:
        said.append(desk.say(say_later("orders per buyer: %(most)s"), most=cap.uses))
    if cap is not None and cap.units is not None:
        said.append(desk.say(say_later("units per buyer: %(most)s"), most=cap.units))
    return ", ".join(said)


def _budgets(desk: Desk, offer: Offer, levels: Mapping[UUID, Level]) -> list[BudgetView]:
    money = desk.visit.formats.money
    views: list[BudgetView] = []
    for currency, amount in sorted(offer.budget.items()):
        level = levels.get(budget_tally(offer.id, currency))
        left = level.available if level else amount
        views.append(BudgetView(money(left, currency), money(amount, currency)))
    return views


async def _tried(desk: Desk, form: Form, offer: Offer | None) -> ASGIResponse:
    """The form again, with what its offer would do to sample carts; nothing is published."""
    samples: list[Sample] = []
    if offer is not None:
        for flaw in flaws(offer):
            note_refusal(desk, form, OfferRefused(flaw.detail, flaws=[msgspec.to_builtins(flaw)]))
        samples = try_out(offer, form.get("currency", CURRENCY))
    words = await wording_of(desk)
    said = "" if offer is None or form.errors else words.effect(offer)
    live = desk.visit.by_script  # what is half written is no failure, and is said where the carts would stand
    return await _form_page(desk, form, 422 if form.errors and not live else 200, samples, said)


async def _form_page(
    desk: Desk, form: Form, status: int = 200, samples: Sequence[Sample] = (), said: str = ""
) -> ASGIResponse:
    merchants = [(encode("mer", id), name) for id, name in (await merchant_names(desk)).items()]
    categories = [
        (one.slug, pick(one.names, desk.visit.language) or one.slug) for one in await desk.shop.catalog.categories()
    ]
    return desk.page(
        "offers/new.html",
        status=status,
        form=form,
        merchants=merchants,
        categories=categories,
        currencies=[(code, code) for code in CURRENCIES],
        each=[(word.value, desk.say(text)) for word, text in EACH.items()],
        which=[(word.value, desk.say(text)) for word, text in WHICH.items()],
        zone=desk.shop.settings.zone.key,
        samples=samples,
        said=said,
        reasons=REASONS,
    )
