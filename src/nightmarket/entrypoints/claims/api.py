"""The operations of the API for other shops; the framework's routes and the bare ones both call these."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.claims.contract import ClaimView, Make, Owner, claim_id, digest
from nightmarket.claims.errors import ClaimNotFound
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.shapes import misfit
from nightmarket.platform.access import Actor, Forbidden, Scope, SignInRequired
from nightmarket.platform.http import ASGIScope, Wire, header

from . import offering, pricing, stocking, wire
from .items import Items, claim_answer

MAX_KEY = 255
MAX_QUERY = 20_000
"""Bytes of a query that are read."""


class ClaimsApi:
    """Everything that another shop may ask, as functions of the key and the request."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._items = Items(shop)

    async def actor(self, scope: ASGIScope, *any_of: Scope) -> Actor:
        """Who holds the key; raises SignInRequired, and Forbidden where the key has none of these permissions."""
        authorization = header(scope, b"authorization")
        key = header(scope, b"x-api-key")
        if authorization is None and key is not None:
            authorization = f"Bearer {key}"
        if authorization is None:
            raise SignInRequired("Send an API key: `Authorization: Bearer nmk_...`.")
        actor = await self._shop.access.client(authorization)
        if not any(actor.may(one) for one in any_of):
            names = " or ".join(one.value for one in any_of)
            raise Forbidden(f"This key lacks the permission {names}; use one that has it.", scope=any_of[0].value)
        return actor

    async def owner(self, scope: ASGIScope, *any_of: Scope) -> Owner:
        actor = await self.actor(scope, *any_of)
        return Owner(actor.id, actor.merchant_id)

    async def claim(self, scope: ASGIScope, key: str, wanted: wire.ClaimInput) -> wire.Claim:
        owner = await self.owner(scope, Scope.CLAIMS)
        made = await self._shop.claims.make(
            Make(
                id=claim_id(owner.client, key, self._shop.claims.secret),
                owner=owner,
                reference=wanted.reference,
                request=digest(wanted),
                hold_seconds=wanted.hold_seconds,
                wanted=await self._items.wanted(owner, wanted),
            )
        )
        return _claim(made)

    async def get(self, scope: ASGIScope, id: str) -> wire.Claim:
        owner = await self.owner(scope, Scope.CLAIMS)
        return _claim(await self._shop.claims.get(owner, _claim_id(id)))

    async def settle(self, scope: ASGIScope, id: str) -> wire.Claim:
        owner = await self.owner(scope, Scope.CLAIMS)
        return _claim(await self._shop.claims.settle(owner, _claim_id(id)))

    async def release(self, scope: ASGIScope, id: str) -> wire.Claim:
        owner = await self.owner(scope, Scope.CLAIMS)
        return _claim(await self._shop.claims.release(owner, _claim_id(id)))

    async def price(self, scope: ASGIScope, cart: wire.PriceInput) -> wire.Price:
        owner = await self.owner(scope, Scope.CLAIMS)
        return await pricing.quote(self._shop, self._items, owner, cart)

    async def feed(self, scope: ASGIScope, key: str, wanted: wire.StockInput) -> wire.StockAnswer:
        actor = await self.actor(scope, Scope.STOCK_WRITE)
        return await stocking.feed(self._shop, self._items, actor, key, wanted)

    async def levels(self, scope: ASGIScope) -> wire.StockAnswer:
        owner = await self.owner(scope, Scope.CLAIMS, Scope.STOCK_READ)
        return await stocking.levels(self._shop, self._items, owner, _asked(scope))

    async def publish(self, scope: ASGIScope, key: str, wanted: wire.OffersInput) -> wire.OffersAnswer:
        actor = await self.actor(scope, Scope.OFFERS_WRITE)
        return await offering.publish(self._shop, actor, key, wanted)

    async def retire(self, scope: ASGIScope, id: str) -> wire.OffersAnswer:
        actor = await self.actor(scope, Scope.OFFERS_WRITE)
        return await offering.retire(self._shop, actor, id)


def _claim_id(id: str) -> UUID:
    """The id in an address; what cannot be one names nothing."""
    try:
        return decode("clm", id)
    except InvalidInput:
        raise ClaimNotFound("There is no claim with that id.", field="id") from None


def checked_key(key: str | None) -> str:
    """The idempotency key; raises InvalidInput where there is none."""
    if not key or len(key) > MAX_KEY:
        text = f"Send an Idempotency-Key header of 1 to {MAX_KEY} characters, best a UUID."
        raise InvalidInput(text, field="Idempotency-Key")
    return key


def _claim(view: ClaimView) -> wire.Claim:
    return wire.Claim(
        id=encode("clm", view.id),
        state=view.state.name.lower(),
        reference=view.reference,
        held_until=view.deadline,
        made_at=view.made_at,
        ended_at=view.ended_at,
        lines=claim_answer(view.lines),
    )


class _Query(Wire):
    """What may stand in the query of `GET /stock`."""

    sku: list[wire.Sku] = msgspec.field(default_factory=list[str])
    tally: list[wire.Text] = msgspec.field(default_factory=list[str])
    merchant: wire.Slug | None = None


def _asked(scope: ASGIScope) -> Sequence[wire.StockLineInput]:
    """The query `sku=...&sku=...&tally=...&merchant=...`."""
    raw: bytes = scope["query_string"]
    most = stocking.MAX_NAMES + 1
    if len(raw) > MAX_QUERY or raw.count(b"&") >= most:
        raise InvalidInput(f"The query is too long; ask for at most {stocking.MAX_NAMES} SKUs and tallies at once.")
    try:
        query: dict[str, Any] = parse_qs(raw.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InvalidInput("The query is not in UTF-8; send it in UTF-8.") from None
    if "merchant" in query:
        query["merchant"], *others = query["merchant"]
        if others:
            raise InvalidInput("Name one merchant; ask for those of another in another request.", field="merchant")
    try:
        asked = msgspec.convert(query, _Query)
    except msgspec.ValidationError as error:
        raise misfit(error, _Query, lambda path: path.partition("[")[0]) from None
    lines = [wire.StockLineInput(sku=sku, merchant=asked.merchant) for sku in asked.sku]
    return [*lines, *(wire.StockLineInput(tally=tally, merchant=asked.merchant) for tally in asked.tally)]
