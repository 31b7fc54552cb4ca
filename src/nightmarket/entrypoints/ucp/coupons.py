"""Coupons for agents: the proven buyer of a checkout has them, in that checkout and nowhere else of the agent's.

An agent is one owner with many buyers, so what one of them has collected must not hold for the others: the session
itself keeps what its buyer is entitled to.
"""

from datetime import timedelta
from typing import Any, ClassVar

import msgspec
from litestar import Controller, post
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody

from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.orders.contract import Entitled, SessionKind
from nightmarket.orders.errors import IdentityNeeded
from nightmarket.promotions.contract.coupons import COUPON, Collect

from . import wire
from .routes import PREFIX, REFUSALS, Asked, api_of, refused, unread
from .signed import check_asked

CODES_PER_PERSON = 60
"""Codes that one person types within CODES_WINDOW, as on the shop's own pages."""

CODES_WINDOW = timedelta(hours=1)
MAX_CODE_LETTERS = 40


class CollectRequest(msgspec.Struct, frozen=True):
    """The coupon that the buyer wants: by its id, as `happenings` of the festival name it, or by a code. Without both
    nothing new is collected, and what the buyer has applies again."""

    coupon: str = ""
    code: str = ""


class CouponController(Controller):
    """What the buyer of a checkout has collected."""

    path = f"{PREFIX}/checkout-sessions/{{id:str}}/coupons"
    tags = ("Festival",)
    exception_handlers: ClassVar[Any] = {Problem: refused, ClientException: unread}
    before_request = check_asked

    @post("", operation_id="collect_coupon", status_code=200, responses=REFUSALS)
    async def collect(
        self, request: Asked, id: FromPath[str], data: JSONBody[CollectRequest], shop: TheShop
    ) -> wire.Checkout:
        """Collect a coupon for the buyer, whose address was confirmed for this checkout, and apply all that the buyer
        has. Twice is once. A checkout that is replaced forgets it: ask again afterwards."""
        api = api_of(shop)
        owner, session = await api.owner(request.scope), decode("chk", id)
        person = await shop.orders.proven(owner, SessionKind.CHECKOUT, session)
        if len(data.code) > MAX_CODE_LETTERS:
            raise InvalidInput(f"A code has at most {MAX_CODE_LETTERS} letters.", field="code")
        if person is None:
            raise IdentityNeeded("Confirm the buyer's address first: ask for a code at `confirmations`.", field="buyer")
        if data.coupon or data.code:
            shop.switches.begin("coupons")
            await shop.access.allowances.take(f"coupon-codes:{person}", CODES_PER_PERSON, CODES_WINDOW)
            coupon = decode(COUPON, data.coupon) if data.coupon and not data.code else None
            await shop.coupons.collect(Collect(person, person, coupon, data.code))
        words = await shop.coupons.entitlements(person, person)
        await shop.orders.entitle(owner, SessionKind.CHECKOUT, session, Entitled(person, words))
        return await api.get_checkout(owner, id)
