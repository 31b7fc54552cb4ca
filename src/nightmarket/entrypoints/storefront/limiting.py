"""Limits per buyer on pages: whose address stands behind a cart, and what to say where that is missing or too much."""

from urllib.parse import quote
from uuid import UUID

import msgspec

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.orders.contract import SessionKind, SessionView
from nightmarket.promotions.contract import BuyerCap

from .storefront import Storefront

IDENTITY_NEEDED, LIMIT_REACHED = "identity_needed", "limit_reached"

SOME_LEFT = say_later("holds for at most %(most)s per buyer; left for you: %(left)s. Lower the quantity to %(left)s")


class LimitsView(msgspec.Struct, frozen=True):
    """What limits say of a cart: whether an address is to be confirmed and where, and a sentence by line."""

    confirm: str = ""
    sign_in: str = ""
    by_line: dict[str, str] = {}

    @property
    def in_the_way(self) -> bool:
        return bool(self.confirm or self.by_line)


async def with_identity(store: Storefront, visit: Visit, view: SessionView) -> SessionView:
    """The session, with the address that this browser has proven behind it where one is needed."""
    if store.site.as_of is not None:  # a dry run writes nothing
        return view
    if visit.account is not None or all(one.code != IDENTITY_NEEDED for one in view.assessment.notices):
        return view
    identity = store.shop.identities.read(visit.cookies.get(store.shop.identities.cookie))
    if identity is None:
        return view
    return await store.shop.orders.identify(visit.owner, view.kind, view.id, identity.key)


def limits_of(visit: Visit, view: SessionView) -> LimitsView:
    """What there is to say of limits."""
    place = "/cart" if view.kind is SessionKind.CART else f"/checkout/{encode('chk', view.id)}"
    by_line: dict[str, str] = {}
    confirm = sign_in = ""
    for notice in view.assessment.notices:
        if notice.code == IDENTITY_NEEDED:
            confirm = f"/confirm?next={quote(place, safe='')}"
            sign_in = f"/account/sign-in?next={quote('/cart', safe='')}"
        elif notice.code == LIMIT_REACHED:
            for line in notice.lines:
                by_line[line] = limit_words(visit, notice.fields["most"], notice.fields["left"])
    return LimitsView(confirm, sign_in, by_line)


def cap_words(visit: Visit, cap: BuyerCap) -> str:
    """The most that one buyer may have of an offer."""
    if cap.units is not None:
        return visit.say("at most %(most)s per buyer", most=cap.units)
    return visit.say("once per buyer") if cap.uses == 1 else visit.say("%(most)s times per buyer", most=cap.uses)


def too_much_words(visit: Visit, cap: BuyerCap | None, left: int | None) -> str:
    """Why an offer that holds for some units of one buyer is not there: the cart has more than are left; "" where that
    is not the reason, or none are left."""
    if cap is None or cap.units is None or not left:
        return ""
    if left < cap.units:
        return visit.say(SOME_LEFT, most=cap.units, left=left)
    return visit.say("holds for at most %(most)s per buyer; lower the quantity to %(most)s", most=cap.units)


def without_offers(declined: tuple[UUID, ...], form: Form) -> tuple[UUID, ...]:
    """The offers that a cart does without once the button that was pressed holds: one more, or one less."""
    gone, taken = form.get("decline"), form.get("take")
    kept = {*declined} - ({decode("off", taken)} if taken else set())
    return tuple(sorted(kept | ({decode("off", gone)} if gone else set())))


def limit_words(visit: Visit, most: int, left: int) -> str:
    """How many one buyer may have, and may still have."""
    if left <= 0:
        return visit.say("At most %(most)s per buyer, and you have had them. Take it out to order the rest.", most=most)
    if left < most:
        return visit.say(
            "At most %(most)s per buyer; you may have %(left)s more. Lower the quantity to %(left)s.",
            most=most,
            left=left,
        )
    return visit.say("At most %(most)s per buyer. Lower the quantity to %(most)s.", most=most)
