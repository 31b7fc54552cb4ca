"""One request to the pages of shoppers' accounts."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.storefront.storefront import Storefront, id_of
from nightmarket.kernel.problems import Defect
from nightmarket.platform.access import Account
from nightmarket.platform.http import address_key, marks_of

from .letters import AccountLetters
from .words import DONE

MAX_QUERY_LETTERS = 200
ROWS = 10
"""Rows of a page of a list."""


class AccountDesk:
    """Who asks, and the ways to answer. What belongs to an account is found by the account that is signed in only."""

    def __init__(self, store: Storefront, request: Request[Any, Any, Any], visit: Visit) -> None:
        self.store = store
        self.shop: Shop = store.shop
        self.request = request
        self.visit = visit
        self.letters = AccountLetters(store.site)

    @property
    def id(self) -> UUID:
        """The account that is signed in; routes that need one have made sure that there is."""
        if self.visit.account is None:
            raise Defect("a page of an account was reached without one")
        return self.visit.account

    @property
    def address(self) -> str:
        """Whom the visitor's network address stands for, to be counted by."""
        return address_key(marks_of(self.request.scope).address)

    @property
    def session_token(self) -> str:
        return self.visit.cookies.get(self.store.site.cookies.session_name, "")

    async def account(self) -> Account:
        return await self.shop.access.shoppers.account(self.id)

    def say(self, text: str, **words: object) -> str:
        return self.visit.say(text, **words)

    def part(self, name: str) -> str:
        return str(self.request.path_params[name])

    def part_id(self, prefix: str) -> UUID:
        """The id in the path, such as `adr_...`; what cannot be one leads nowhere."""
        return id_of(prefix, self.part("id"))

    def query(self, name: str) -> str:
        return str(self.request.query_params.get(name, ""))[:MAX_QUERY_LETTERS].strip()

    async def form(self) -> Form:
        return self.store.site.form(self.visit, await self.request.body())

    async def page(self, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
        """A page of the account, with what the head and foot of the shop show."""
        return self.store.site.page(
            self.visit,
            f"account/{template}",
            status=status,
            directory=await self.store.directory(),
            cart_units=self.store.carts.units(self.visit),
            demo=self.shop.settings.demo,
            place=str(self.request.scope["path"]),
            done=DONE.get(self.query("done"), ""),
            **words,
        )

    def redirect(self, to: str) -> ASGIResponse:
        return self.store.site.redirect(self.visit, to)


Show: TypeAlias = Callable[[AccountDesk], Awaitable[ASGIResponse]]


class Page(msgspec.Struct, frozen=True):
    """One address of the account's pages: whether one has to be signed in, and what answers."""

    method: str
    path: str
    signed_in: bool
    show: Show
