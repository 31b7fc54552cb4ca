"""An addition of our own to UCP: a buyer proves an address by a code, so that goods limited per buyer can be bought.

A checkout that needs it has a message `identity_needed`. Its client asks for a code to be sent to the buyer, and hands
in the one that the buyer reads there. The session is then counted under that address.
"""

from typing import Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody

from nightmarket.entrypoints.pages.codes import CodeWords
from nightmarket.entrypoints.provided import TheShop, TheSite
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import SessionKind
from nightmarket.platform.http import address_key, header, marks_of

from . import wire
from .routes import PREFIX, REFUSALS, Asked, api_of, refused, unread
from .signed import check_asked

MAX_ADDRESS, MAX_CODE = 254, 40


class ConfirmationRequest(msgspec.Struct, frozen=True):
    """Where to send a code: the buyer's e-mail address, or telephone number with its country."""

    address: str


class Confirmation(msgspec.Struct, frozen=True):
    """A code is on its way. `id` is to be handed in with it; `sent_to` is the address, most of it hidden."""

    id: str
    sent_to: str


class CodeRequest(msgspec.Struct, frozen=True):
    """The code that the buyer was sent."""

    code: str


class ConfirmationController(Controller):
    """Who the buyer of a session is."""

    path = f"{PREFIX}/checkout-sessions/{{id:str}}/confirmations"
    tags = ("UCP",)
    exception_handlers: ClassVar[Any] = {Problem: refused, ClientException: unread}
    before_request = check_asked

    @post("", operation_id="ask_confirmation", responses=REFUSALS)
    async def ask(
        self,
        request: Asked,
        id: FromPath[str],
        data: JSONBody[ConfirmationRequest],
        shop: TheShop,
        site: TheSite,
    ) -> Confirmation:
        """Send the buyer of an open session a code, good for a quarter of an hour."""
        api = api_of(shop)
        owner = await api.owner(request.scope)
        await shop.orders.get(owner, SessionKind.CHECKOUT, decode("chk", id))
        letters = CodeWords(site, api.language(request.scope))
        counted, client = _counted(request, owner)
        asked = await shop.identities.ask(data.address[: MAX_ADDRESS + 1], counted, letters, client=client)
        return Confirmation(encode("cnf", asked), await shop.identities.look(asked))

    @post("/{confirmation:str}", operation_id="confirm_buyer", status_code=200, responses=REFUSALS)
    async def confirm(
        self,
        request: Asked,
        id: FromPath[str],
        confirmation: FromPath[str],
        data: JSONBody[CodeRequest],
        shop: TheShop,
    ) -> wire.Checkout:
        """Hand in the code; the session's purchases count as those of the address from now on."""
        api = api_of(shop)
        owner, session = await api.owner(request.scope), decode("chk", id)
        await shop.orders.get(owner, SessionKind.CHECKOUT, session)
        counted, client = _counted(request, owner)
        identity = await shop.identities.confirm(
            decode("cnf", confirmation, "confirmation"), data.code[:MAX_CODE], counted, client=client
        )
        await shop.orders.identify(owner, SessionKind.CHECKOUT, session, identity.key)
        return await api.get_checkout(owner, id)


def _counted(request: Asked, owner: UUID) -> tuple[str, bool]:
    """By whom tries are counted: a client's key, which somebody was given, else the network address."""
    if header(request.scope, b"authorization") or header(request.scope, b"x-api-key"):
        return str(owner), True
    return address_key(marks_of(request.scope).address), False
