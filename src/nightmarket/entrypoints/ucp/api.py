"""UCP's operations as functions of owner and request; the framework's routes and the hot ones both call these."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from nightmarket.bootstrap import CURRENCY, PROVIDER, Shop
from nightmarket.kernel.ids import decode, derive
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.orders.contract import TRANSFER, Order, OrderState, PaymentInput, SessionKind
from nightmarket.orders.errors import NotReady, OutOfStock, PaymentRefused, PriceChanged
from nightmarket.platform.access import SHADOW_HEADER, Scope, require, shadow_owner
from nightmarket.platform.http import ASGIScope, header

from . import wire
from .translate import Translator, capabilities, problem_message

CHECKOUT, CART = SessionKind.CHECKOUT, SessionKind.CART
MAX_KEY = 255
OUTCOMES = (NotReady, OutOfStock, PaymentRefused, PriceChanged)
"""Refusals after which the checkout still stands: the answer is the checkout with the reason in it."""

HANDLERS: dict[str, list[dict[str, Any]]] = {
    "dev.nightmarket.testpay": [
        {
            "id": PROVIDER,
            "version": wire.VERSION,
            "available_instruments": [{"type": "card"}],
        }
    ],
    "dev.nightmarket.transfer": [
        {
            "id": TRANSFER,
            "version": wire.VERSION,
            "available_instruments": [{"type": "bank_transfer"}],
        }
    ],
}


class UcpApi:
    """The shopping service of UCP over the order desk."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._orders = shop.orders
        self._to = Translator(shop.settings.address, HANDLERS, CURRENCY)

    async def owner(self, scope: ASGIScope) -> UUID:
        """Whose sessions these are: the API key's client, else the agent that names itself in `UCP-Agent`.

        Without a key the session's id, which nobody can guess, is what opens it.
        """
        authorization = header(scope, b"authorization")
        key = header(scope, b"x-api-key")
        if authorization is None and key is not None:
            authorization = f"Bearer {key}"
        agent = header(scope, b"ucp-agent")
        if authorization is None:
            owner = derive("agent", agent or "")
            await self._shop.subscribers.note(owner, agent)
            return owner
        actor = await self._shop.access.client(authorization)
        require(actor, Scope.CHECKOUT)
        if actor.may(Scope.REHEARSAL):
            return shadow_owner(actor.id, header(scope, SHADOW_HEADER) or "")
        await self._shop.subscribers.note(actor.id, agent)
        return actor.id

    def language(self, scope: ASGIScope) -> str:
        """The first language of Accept-Language that we speak."""
        for part in (header(scope, b"accept-language") or "")[:200].split(","):
            language = part.partition(";")[0].strip().partition("-")[0].lower()
            if language in LANGUAGES:
                return language
        return DEFAULT_LANGUAGE

    async def create_checkout(
        self, owner: UUID, key: str, request: wire.SessionRequest, language: str
    ) -> wire.Checkout:
        view = await self._orders.create(owner, CHECKOUT, key, self._to.session_input(request, language))
        return self._to.checkout(view, self._shop.books.current())

    async def get_checkout(self, owner: UUID, id: str) -> wire.Checkout:
        view = await self._orders.get(owner, CHECKOUT, decode("chk", id))
        return self._to.checkout(view, self._shop.books.current())

    async def update_checkout(self, owner: UUID, id: str, request: wire.SessionRequest, language: str) -> wire.Checkout:
        wanted = self._to.session_input(request, language)
        view = await self._orders.update(owner, CHECKOUT, decode("chk", id), wanted)
        return self._to.checkout(view, self._shop.books.current())

    async def complete_checkout(self, owner: UUID, id: str, request: wire.CompleteRequest) -> wire.Checkout:
        session = decode("chk", id)
        payment = _payment(request)
        try:
            done = await self._orders.complete(owner, session, payment)
        except OUTCOMES as refusal:
            view = await self._orders.get(owner, CHECKOUT, session)
            return self._to.checkout(view, self._shop.books.current(), (problem_message(refusal),))
        if done.order.state is OrderState.CANCELLED:
            return self._to.completed(done.order, "canceled")
        return self._to.completed(done.order, "complete_in_progress" if done.awaited else "completed")

    async def cancel_checkout(self, owner: UUID, id: str) -> wire.Checkout:
        view = await self._orders.cancel(owner, CHECKOUT, decode("chk", id))
        return self._to.checkout(view, self._shop.books.current())

    async def create_cart(self, owner: UUID, key: str, request: wire.SessionRequest, language: str) -> wire.Cart:
        view = await self._orders.create(owner, CART, key, self._to.session_input(request, language))
        return self._to.cart(view, self._shop.books.current())

    async def get_cart(self, owner: UUID, id: str) -> wire.Cart:
        return self._to.cart(await self._orders.get(owner, CART, decode("cart", id)), self._shop.books.current())

    async def update_cart(self, owner: UUID, id: str, request: wire.SessionRequest, language: str) -> wire.Cart:
        wanted = self._to.session_input(request, language)
        view = await self._orders.update(owner, CART, decode("cart", id), wanted)
        return self._to.cart(view, self._shop.books.current())

    async def cancel_cart(self, owner: UUID, id: str) -> wire.Cart:
        view = await self._orders.cancel(owner, CART, decode("cart", id))
        return self._to.cart(view, self._shop.books.current())

    async def get_order(self, owner: UUID, id: str) -> wire.Order:
        return self._to.order(await self._orders.order(owner, decode("ord", id)))

    async def profile(self) -> wire.Profile:
        """What `/.well-known/ucp` says of us."""
        spec = "https://ucp.dev/specification"
        schemas = "https://ucp.dev/schemas/shopping"
        offered = capabilities("checkout", "cart", "order", "fulfillment", "discount")
        for name, entries in offered.items():
            short = name.rpartition(".")[2]
            entries[0].update(spec=f"{spec}/{short}", schema=f"{schemas}/{short}.json")
            if short in ("fulfillment", "discount"):
                parents = ["checkout"] if short == "fulfillment" else ["checkout", "cart"]
                entries[0]["extends"] = [f"{wire.SHOPPING}.{parent}" for parent in parents]
        services = {
            wire.SHOPPING: [
                {
                    "version": wire.VERSION,
                    "spec": f"{spec}/overview",
                    "transport": "rest",
                    "schema": "https://ucp.dev/services/shopping/rest.openapi.json",
                    "endpoint": f"{self._shop.settings.address}/ucp",
                }
            ]
        }
        meta = wire.Meta(wire.VERSION, capabilities=offered, payment_handlers=HANDLERS, services=services)
        return wire.Profile(meta, await self._shop.signing.published())


def order_writer(shop: Shop) -> Callable[[Order], bytes]:
    """Writes orders as `GET /orders/{id}` answers them, for those who are told of them."""
    to = Translator(shop.settings.address, HANDLERS, CURRENCY)
    return lambda order: wire.ENCODE.encode(to.order(order))


def checked_key(key: str | None) -> str:
    """The idempotency key; raises InvalidInput where there is none."""
    if not key or len(key) > MAX_KEY:
        text = f"Send an Idempotency-Key header of 1 to {MAX_KEY} characters, best a UUID."
        raise InvalidInput(text, field="Idempotency-Key")
    return key


def error_answer(problem: Problem) -> wire.ErrorAnswer:
    """The answer where there is no resource to show."""
    message = problem_message(problem)
    message.severity = "unrecoverable" if problem.status in (404, 409, 410) else "recoverable"
    return wire.ErrorAnswer(wire.Meta(wire.VERSION, "error"), [message])


def _payment(request: wire.CompleteRequest) -> PaymentInput:
    instruments = request.payment.instruments
    chosen = next((one for one in instruments if one.selected), instruments[0] if instruments else None)
    if chosen is None:
        raise InvalidInput("Name an instrument to pay with.", field="payment.instruments")
    return PaymentInput(chosen.handler_id, chosen.credential.token if chosen.credential else "")
