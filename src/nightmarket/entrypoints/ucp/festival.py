"""The festival capability: windows and phases, what can be taken part in, and what a cart lacks for the next step.

A capability of the shop's own, under the shop's own name as UCP asks of vendors: `shop.example` calls it
`example.shop.shopping.festival`, and schema and documentation lie at that host.
"""

from typing import Any, ClassVar

from litestar import Controller, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import ClientException
from litestar.params import FromPath
from msgspec import UNSET

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import SessionKind, SessionView, shopper_of
from nightmarket.promotions.contract import Goods, OfferNote, explain
from nightmarket.promotions.contract.asking import OffersById
from nightmarket.promotions.contract.festivals import FESTIVAL, PHASE, WINDOW, Moment

from .festival_news import happenings
from .festival_wire import (
    SCHEMA,
    VERSION,
    AskedFor,
    Celebration,
    FestivalAnswer,
    FestivalWindow,
    Stretch,
    Threshold,
    ThresholdsAnswer,
    json_schema,
)
from .routes import REFUSALS, Asked, api_of, refused, unread
from .signed import check_asked
from .visits import visits_of

MOST_THRESHOLDS = 20
SCHEMA_KEPT = CacheControlHeader(public=True, max_age=300)
MOST_NAMED = 100
SHORT = ("below_minimum", "applied", "companion_missing", "gift_due")


class FestivalController(Controller):
    """The festival capability, read only."""

    path = "/ucp"
    tags = ("Festival",)
    exception_handlers: ClassVar[Any] = {Problem: refused, ClientException: unread}
    before_request = check_asked

    @get("/festival", operation_id="festival_now")
    async def now(self, request: Asked, shop: TheShop) -> FestivalAnswer:
        """Windows, phases, and what to take part in: draws, surprise prices, waiting rooms, presales, groups."""
        now, language = shop.clock.now(), api_of(shop).language(request.scope)
        moment = shop.festivals.moment(now)
        return FestivalAnswer(
            version=VERSION,
            now=now,
            happenings=await happenings(shop, language),
            festival=_celebration(moment, language) if moment else None,
        )

    @get("/festival/schema.json", operation_id="festival_schema", cache_control=SCHEMA_KEPT)
    async def schema(self, shop: TheShop) -> dict[str, Any]:
        """The JSON Schema of the festival capability's answers."""
        return json_schema(f"{shop.settings.address}{SCHEMA}")

    @get("/carts/{id:str}/festival", operation_id="cart_thresholds", responses=REFUSALS)
    async def of_cart(self, request: Asked, id: FromPath[str], shop: TheShop) -> ThresholdsAnswer:
        """What the cart is short of: 18.40 more for 50 off, by offer."""
        api = api_of(shop)
        view = await shop.orders.get(await api.owner(request.scope), SessionKind.CART, decode("cart", id))
        return await _thresholds(shop, view, id)

    @get("/checkout-sessions/{id:str}/festival", operation_id="checkout_thresholds", responses=REFUSALS)
    async def of_checkout(self, request: Asked, id: FromPath[str], shop: TheShop) -> ThresholdsAnswer:
        """The same of a checkout."""
        api = api_of(shop)
        view = await shop.orders.get(await api.owner(request.scope), SessionKind.CHECKOUT, decode("chk", id))
        return await _thresholds(shop, view, id)


def _celebration(moment: Moment, language: str) -> Celebration:
    festival = moment.festival
    on = {phase.id for phase in moment.on}
    return Celebration(
        id=encode(FESTIVAL, festival.id),
        title=pick(festival.name, language) or "Festival",
        time_zone=festival.zone,
        windows=[
            FestivalWindow(
                encode(WINDOW, window.id),
                pick(window.name, language) or "",
                window.starts_at,
                window.ends_at,
                [
                    Stretch(
                        encode(PHASE, phase.id),
                        phase.kind.value,
                        pick(phase.name, language) or "",
                        phase.starts_at,
                        phase.ends_at,
                        phase.id in on,
                    )
                    for phase in window.phases
                ],
            )
            for window in festival.windows
        ],
        counts_to=moment.counts_to or UNSET,
    )


def _asked_for(note: OfferNote) -> list[AskedFor]:
    wanted = (Goods(variants=frozenset(note.gifts)),) if note.gifts else note.lacking
    return [
        AskedFor(
            products=[encode("prd", id) for id in sorted(goods.products)[:MOST_NAMED]],
            variants=[encode("var", id) for id in sorted(goods.variants)[:MOST_NAMED]],
            merchants=[encode("mer", id) for id in sorted(goods.merchants)[:MOST_NAMED]],
            categories=sorted(goods.categories)[:MOST_NAMED],
            brands=sorted(goods.brands)[:MOST_NAMED],
        )
        for goods in wanted
    ]


async def _thresholds(shop: Shop, view: SessionView, id: str) -> ThresholdsAnswer:
    now, book, assessment = shop.clock.now(), shop.books.current(), view.assessment
    found: list[Threshold] = []
    if assessment.quote.book == book.number:  # else the offers have just changed: the next look tells
        offers = OffersById(book)
        currency = assessment.cart.currency
        shopper = shopper_of(view.owner, view.body)
        found = [
            Threshold(
                title=pick(offers[note.offer].name, view.body.language) or "Discount",
                currency=currency,
                ends_at=offers[note.offer].ends_at,
                missing=note.missing,
                missing_units=note.missing_units,
                gain=note.gain,
                gain_basis_points=note.gain_basis_points,
                applied=note.amount,
                merchant=encode("mer", note.merchant) if note.merchant else "",
                asks_for=_asked_for(note),
                is_present=bool(note.gifts),
            )
            for note in explain(assessment.cart, assessment.quote, book, shopper, now).notes
            if note.reason in SHORT and (note.missing or note.missing_units)
        ]
    found.sort(key=lambda one: (one.missing, one.missing_units, one.title))
    visits = await visits_of(shop, view.body.visitor, view.body.language)
    return ThresholdsAnswer(VERSION, id, now, found[:MOST_THRESHOLDS], visits)
