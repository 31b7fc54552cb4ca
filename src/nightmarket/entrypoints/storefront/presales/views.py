"""What pages show of presales and bookings."""

from datetime import datetime

import msgspec

from nightmarket.catalog.contract import Card
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import PictureView, picture_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.presales import (
    BOOKING,
    PRESALE,
    Booking,
    BookingState,
    Presale,
    UnpaidRule,
)

RULES = {
    UnpaidRule.BACK: say_later("If you do not pay the balance in time, your whole deposit comes back."),
    UnpaidRule.KEPT: say_later("If you do not pay the balance in time, the merchant keeps your deposit."),
    UnpaidRule.PART: say_later("If you do not pay the balance in time, %(back)s of your deposit comes back."),
}
STATES = {
    BookingState.CLAIMED: (say_later("deposit under way"), "warn"),
    BookingState.HELD: (say_later("deposit paid"), "good"),
    BookingState.REFUSED: (say_later("deposit declined"), "danger"),
    BookingState.PAID: (say_later("all paid"), "good"),
    BookingState.UNPAID: (say_later("balance not paid"), ""),
    BookingState.RETURNED: (say_later("order cancelled"), ""),
}


class PresaleView(msgspec.Struct, frozen=True):
    """A presale as everybody may see it; amounts in words."""

    ident: str
    title: str
    slug: str
    price: str
    deposit: str
    counts_for: str
    counts_more: bool
    balance: str
    in_all: str
    rule: str
    opens_at: datetime
    closes_at: datetime
    balance_from: datetime
    balance_until: datetime
    ends_at: datetime
    is_open: bool
    left: int
    units: int
    picture: PictureView | None


class BookingView(msgspec.Struct, frozen=True):
    """One's own booking."""

    ident: str
    presale: PresaleView
    place: int | None
    state: str
    tone: str
    booked_at: datetime
    held: bool
    due: bool
    order: str
    given_back: str
    guaranteed: bool


def presale_view(visit: Visit, one: Presale, card: Card | None, now: datetime, standing: int = 0) -> PresaleView:
    """`standing` are the bookings that take a place."""
    terms, money = one.terms, visit.formats.money

    def say(amount: int) -> str:
        return money(amount, terms.currency)

    return PresaleView(
        ident=encode(PRESALE, one.id),
        title=(pick(card.title, visit.language) or "") if card else "",
        slug=card.slug if card else "",
        price=say(terms.price),
        deposit=say(terms.deposit),
        counts_for=say(terms.counts_for),
        counts_more=terms.counts_for > terms.deposit,
        balance=say(terms.balance),
        in_all=say(terms.in_all),
        rule=visit.say(RULES[terms.rule], back=say(terms.part_back)),
        opens_at=terms.opens_at,
        closes_at=terms.closes_at,
        balance_from=terms.balance_from,
        balance_until=terms.balance_until,
        ends_at=terms.ends_at,
        is_open=one.takes_bookings(now),
        left=max(0, terms.units - standing),
        units=terms.units,
        picture=picture_of(card.media, visit.language) if card else None,
    )


def booking_view(visit: Visit, one: Booking, presale: Presale, card: Card | None, now: datetime) -> BookingView:
    words, tone = STATES[one.state]
    terms, money = presale.terms, visit.formats.money
    return BookingView(
        ident=encode(BOOKING, one.id),
        presale=presale_view(visit, presale, card, now),
        place=one.place,
        state=visit.say(words),
        tone=tone,
        booked_at=one.booked_at,
        held=one.state is BookingState.HELD,
        due=one.state is BookingState.HELD and presale.takes_balances(now),
        order=encode("ord", one.order) if one.order else "",
        given_back=money(one.given_back, terms.currency) if one.given_back else "",
        guaranteed=one.state is BookingState.PAID,
    )


async def cards_of(store: Storefront, presales: list[Presale]) -> dict[object, Card]:
    cards = await store.shop.catalog.cards_of(list({one.terms.product for one in presales}))
    return {card.product: card for card in cards}
