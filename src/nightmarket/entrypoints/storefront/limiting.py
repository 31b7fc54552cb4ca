"""Limits per buyer on pages: whose address stands behind a cart, and what to say where that is missing or too much."""

from urllib.parse import quote

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.ids import encode
from nightmarket.orders.contract import SessionKind, SessionView

from .storefront import Storefront

IDENTITY_NEEDED, LIMIT_REACHED = "identity_needed", "limit_reached"


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


def limit_words(visit: Visit, most: int, left: int) -> str:
    """How many one buyer may have, and may still have."""
    if left <= 0:
        return visit.say("At most %(most)s per buyer, and you have had them. Take it out to order the rest.", most=most)
    if left < most:
        return visit.say("At most %(most)s per buyer; you may have %(left)s more.", most=most, left=left)
    return visit.say("At most %(most)s per buyer. Take fewer.", most=most)
