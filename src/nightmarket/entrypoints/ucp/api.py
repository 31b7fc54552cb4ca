"""UCP's operations as functions of owner and request; the framework's routes and the hot ones both call these."""

import time
from functools import lru_cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from nightmarket.bootstrap import PROVIDER, WALLET, Shop
from nightmarket.kernel.ids import decode, derive
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.orders.contract import (
    TRANSFER,
    Asked,
    Order,
    PaymentInput,
    SessionInput,
    SessionKind,
    SessionState,
    SessionView,
)
from nightmarket.orders.errors import CompletionRefused, PaymentRefused, SessionClosed, UnknownHandler
from nightmarket.payments.errors import WalletCodeRefused
from nightmarket.platform.access import SHADOW_HEADER, Scope, require, shadow_owner
from nightmarket.platform.access.agents import AgentProfile, ProfileAddressInvalid, profile_address
from nightmarket.platform.http import ASGIScope, address_key, header, marks_of

from . import wire
from .festival_wire import FestivalEcho, capability
from .naming import named
from .negotiating import EXTENDS, MEET_SECONDS, check
from .signed import is_signed
from .translate import Translator, UnknownDestination, capabilities, problem_message
from .visits import visited
from .wallet import handler, is_wallet, shown, with_purse

CHECKOUT, CART = SessionKind.CHECKOUT, SessionKind.CART
MAX_KEY = 255
STRONG_KEY = 22
"""Letters from which on a key is taken for 128 random bits, as UCP wants it to be ("Replay Protection")."""

AGENTS_KEPT = 4_096
Answered = TypeVar("Answered", wire.Checkout, wire.Cart)
Handlers = dict[str, list[dict[str, Any]]]

HANDLERS: Handlers = {
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


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A request that changes something, as it came: its idempotency key, if any, and the bytes of its body."""

    key: str = ""
    body: bytes = b""

    def mark(self, operation: str) -> bytes:
        return Asked.of(operation, self.key, self.body).mark if self.key else b""


class UcpApi:
    """The shopping service of UCP over the order desk."""

    offered: ClassVar[Handlers] = HANDLERS

    def __init__(self, shop: Shop, house: str | None = None) -> None:
        self._shop = shop
        self._orders = shop.orders
        self._noted = _Lately()
        self._open_to_others = not shop.settings.is_loopback
        self.handlers = self.offered | handler(shop.settings.address)
        self._ways = [entry["id"] for entries in self.handlers.values() for entry in entries]
        self._to = Translator(shop.settings.address, self.handlers, shop.settings.currency, shop.clock, house)

    async def owner(self, scope: ASGIScope) -> UUID:
        """Whose sessions these are: the API key's client, else the agent that signed the request (which `signed.check`
        has looked at), else whoever names itself in `UCP-Agent`.

        Without a key or signature the session's id, which nobody can guess, is what opens it.
        """
        authorization = header(scope, b"authorization")
        key = header(scope, b"x-api-key")
        if authorization is None and key is not None:
            authorization = f"Bearer {key}"
        agent = header(scope, b"ucp-agent")
        if authorization is None:
            signed = is_signed(scope)
            owner = _agent(agent or "", signed)
            if not self._noted.lately((agent, signed)):
                await self._note(owner, agent)
                self._noted.add((agent, signed))
            return owner
        actor = await self._shop.access.client(authorization)
        require(actor, Scope.CHECKOUT)
        if actor.may(Scope.REHEARSAL):
            return shadow_owner(actor.id, header(scope, SHADOW_HEADER) or "")
        await self._note(actor.id, agent)
        return actor.id

    async def newcomer(self, scope: ASGIScope) -> UUID:
        """As `owner`, of whoever makes a cart or checkout. In a shop that others can reach, an agent that shows neither
        key nor signature is refused as long as its profile cannot be had (UCP, "Error Handling"): raises as
        `Agents.admit`. What stands already goes on, so that no order waits for an agent's site."""
        await self._admit(scope)
        return await self.owner(scope)

    async def _admit(self, scope: ASGIScope) -> None:
        if self._open_to_others and not _is_proven(scope):
            await self._shop.agents.admit(profile_address(header(scope, b"ucp-agent")), MEET_SECONDS)

    async def _note(self, owner: UUID, agent: str | None) -> None:
        """Remember by which profile an owner names itself: here for what is agreed with it, in the database for whom to
        tell of orders. Nobody outside is asked."""
        if agent:
            url = _profile(agent)
            if url is not None:
                self._shop.agents.name(owner, url)
            await self._shop.subscribers.note(owner, agent)

    async def agree(self, scope: ASGIScope, needed: str) -> None:
        """Refuse whoever names itself by a profile without that capability: of what asks for no owner's things.
        Profiles that cannot be had are refused as by `newcomer`."""
        await self._admit(scope)
        url = _profile(header(scope, b"ucp-agent") or "")
        if url is not None:
            check(await self._shop.agents.meet_at(url, MEET_SECONDS), needed, self._shop.settings.address)

    def _agreed(self, owner: UUID, needed: str) -> AgentProfile | None:
        """The same for an owner, of whom this process may know nothing yet. Nobody outside is asked."""
        profile = self._shop.agents.of(owner)
        check(profile, needed, self._shop.settings.address)
        return profile

    def language(self, scope: ASGIScope) -> str:
        """The first language of Accept-Language that we speak."""
        for part in (header(scope, b"accept-language") or "")[:200].split(","):
            language = part.partition(";")[0].strip().partition("-")[0].lower()
            if language in LANGUAGES:
                return language
        return DEFAULT_LANGUAGE

    async def create_checkout(
        self, owner: UUID, sent: Sent, request: wire.SessionRequest, language: str
    ) -> wire.Checkout:
        view, echo = await self._create(owner, CHECKOUT, sent, request, language)
        return _echoing(self._checkout(view), echo)

    async def get_checkout(self, owner: UUID, id: str) -> wire.Checkout:
        self._agreed(owner, "checkout")
        return self._checkout(await self._orders.get(owner, CHECKOUT, decode("chk", id)))

    async def update_checkout(
        self, owner: UUID, id: str, sent: Sent, request: wire.SessionRequest, language: str
    ) -> wire.Checkout:
        session = decode("chk", id)
        try:
            view, echo = await self._update(owner, CHECKOUT, session, sent, request, language)
            return _echoing(self._checkout(view), echo)
        except UnknownDestination as refusal:  # the checkout stays as it is, and the answer is that checkout
            return self._checkout(await self._orders.get(owner, CHECKOUT, session), problem_message(refusal))
        except SessionClosed as refusal:
            view = await self._orders.get(owner, CHECKOUT, session)
            if view.state is not SessionState.IN_PROGRESS:
                raise
            return self._checkout(view, problem_message(refusal))

    async def complete_checkout(self, owner: UUID, id: str, sent: Sent, request: wire.CompleteRequest) -> wire.Checkout:
        profile = self._agreed(owner, "checkout")
        session = decode("chk", id)
        mark = sent.mark("complete")
        try:
            payment = self._payment(request)
            if codes := [one for one in request.payment.instruments if is_wallet(one)]:
                payment = await with_purse(self._shop, await self._orders.get(owner, CHECKOUT, session), codes, payment)
            done = await self._orders.complete(owner, session, payment, mark=mark)
        except (CompletionRefused, PaymentRefused, WalletCodeRefused) as refusal:
            return await self.refused(owner, session, refusal)
        book = self._shop.books.current()
        answer = self._to.completed(id, done, book, profile)
        if codes:
            answer.payment = shown(done.sold, codes)
        return answer

    async def refused(self, owner: UUID, session: UUID, refusal: Problem) -> wire.Checkout:
        """The answer to a completion that came to nothing: the checkout, which still stands, with the reason in it."""
        left = refusal.standing if isinstance(refusal, CompletionRefused) else None
        if left is not None:
            view = await self._orders.standing(owner, session, left)
        else:
            view = await self._orders.get(owner, CHECKOUT, session)
        return self._checkout(view, problem_message(refusal))

    async def cancel_checkout(self, owner: UUID, id: str, sent: Sent) -> wire.Checkout:
        self._agreed(owner, "checkout")
        mark = sent.mark("cancel")
        return self._checkout(await self._orders.cancel(owner, CHECKOUT, decode("chk", id), mark=mark))

    async def create_cart(self, owner: UUID, sent: Sent, request: wire.SessionRequest, language: str) -> wire.Cart:
        view, echo = await self._create(owner, CART, sent, request, language)
        return _echoing(self._cart(view), echo)

    async def get_cart(self, owner: UUID, id: str) -> wire.Cart:
        self._agreed(owner, "cart")
        return self._cart(await self._orders.get(owner, CART, decode("cart", id)))

    async def update_cart(
        self, owner: UUID, id: str, sent: Sent, request: wire.SessionRequest, language: str
    ) -> wire.Cart:
        view, echo = await self._update(owner, CART, decode("cart", id), sent, request, language)
        return _echoing(self._cart(view), echo)

    async def cancel_cart(self, owner: UUID, id: str, sent: Sent) -> wire.Cart:
        self._agreed(owner, "cart")
        mark = sent.mark("cancel")
        return self._cart(await self._orders.cancel(owner, CART, decode("cart", id), mark=mark))

    async def get_order(self, owner: UUID, id: str) -> wire.Order:
        self._agreed(owner, "order")
        order = decode("ord", id)
        return self._to.order(await self._orders.order(owner, order), await self._orders.notes(order))

    async def order_body(self, order: Order) -> bytes:
        """An order as `get_order` answers it, for those who are told of it."""
        return wire.ENCODE.encode(self._to.order(order, await self._orders.notes(order.id)))

    async def _create(
        self, owner: UUID, kind: SessionKind, sent: Sent, request: wire.SessionRequest, language: str
    ) -> tuple[SessionView, FestivalEcho | None]:
        met = await self._shop.agents.meet(owner, MEET_SECONDS)
        check(met, kind.name.lower(), self._shop.settings.address)
        wanted = await self._wanted(owner, (kind, None), request, language)
        wanted, echo = await self._there(wanted, (owner, f"{kind.name} {sent.key}"), request)
        digest = Asked.of("create", sent.key, sent.body).body if sent.body else None
        try:
            return await self._orders.create(owner, kind, sent.key, wanted, digest=digest), echo
        except InvalidInput as problem:
            raise named(problem, request) from None

    async def _update(
        self, owner: UUID, kind: SessionKind, id: UUID, sent: Sent, request: wire.SessionRequest, language: str
    ) -> tuple[SessionView, FestivalEcho | None]:
        self._agreed(owner, kind.name.lower())
        wanted = await self._wanted(owner, (kind, id), request, language)
        wanted, echo = await self._there(wanted, (owner, str(id)), request)
        try:
            return await self._orders.update(owner, kind, id, wanted, mark=sent.mark("update")), echo
        except InvalidInput as problem:
            raise named(problem, request) from None

    async def _there(
        self, wanted: SessionInput, session: tuple[UUID, str], request: wire.SessionRequest
    ) -> tuple[SessionInput, FestivalEcho | None]:
        """With where its buyer is, if the request says so."""
        if request.festival is None:
            return wanted, None
        visitor, echo = await visited(self._shop, session, request.festival, wanted.language)
        return msgspec.structs.replace(wanted, visitor=visitor), echo

    async def _wanted(
        self,
        owner: UUID,  # noqa: ARG002 (for who answers otherwise)
        session: tuple[SessionKind, UUID | None],  # noqa: ARG002
        request: wire.SessionRequest,
        language: str,
    ) -> SessionInput:
        """What a request wants of a session, which is not there yet if it has no id."""
        return self._to.session_input(request, language)

    def error(self, problem: Problem) -> wire.ErrorAnswer:
        """The answer where there is no resource to show."""
        return error_answer(problem)

    def _checkout(self, view: SessionView, *extra: wire.Message) -> wire.Checkout:
        return self._to.checkout(view, self._shop.books.current(), self._shop.agents.of(view.owner), extra)

    def _cart(self, view: SessionView) -> wire.Cart:
        return self._to.cart(view, self._shop.books.current(), self._shop.agents.of(view.owner))

    def _payment(self, request: wire.CompleteRequest) -> PaymentInput:
        named = request.payment.instruments
        instruments = [one for one in named if not is_wallet(one)]
        if named and not instruments:
            return PaymentInput(WALLET)
        if not instruments:
            raise InvalidInput("Name an instrument to pay with.", field="payment.instruments")
        chosen = ([one for one in instruments if one.selected] or instruments)[0]
        if chosen.handler_id not in self._ways:
            field = f"payment.instruments[{named.index(chosen)}].handler_id"
            raise UnknownHandler(f"Pay with one of: {', '.join(self._ways)}.", field=field)
        return PaymentInput(chosen.handler_id, chosen.credential.token if chosen.credential else "")

    async def profile(self) -> wire.Profile:
        """What `/.well-known/ucp` says of us."""
        spec = f"https://ucp.dev/{wire.VERSION}/specification"
        schemas = f"https://ucp.dev/{wire.VERSION}/schemas/shopping"
        offered = capabilities("checkout", "cart", "order", "catalog.search", "catalog.lookup", *EXTENDS)
        for name, entries in offered.items():
            short = name.removeprefix(f"{wire.SHOPPING}.")
            page, file = short.replace("_", "-").replace(".", "/"), short.replace(".", "_")
            entries[0].update(spec=f"{spec}/{page}", schema=f"{schemas}/{file}.json")
            if short in EXTENDS:
                entries[0]["extends"] = [f"{wire.SHOPPING}.{parent}" for parent in EXTENDS[short]]
        offered |= capability(self._shop.settings.address)
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
        meta = wire.Meta(wire.VERSION, capabilities=offered, payment_handlers=self.handlers, services=services)
        return wire.Profile(meta, await self._shop.signing.published())


def _echoing(answer: Answered, echo: FestivalEcho | None) -> Answered:
    """The answer, with what the request said of the festival."""
    if echo is not None:
        answer.festival = echo
    return answer


class _Lately:
    """Which agents were noted within this second: a crowd comes from a few of them."""

    def __init__(self) -> None:
        self._second = 0
        self._known: set[tuple[str | None, bool]] = set()

    def lately(self, agent: tuple[str | None, bool]) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._known.clear()
        return agent in self._known

    def add(self, agent: tuple[str | None, bool]) -> None:
        if len(self._known) < AGENTS_KEPT:
            self._known.add(agent)


def checked_key(key: str | None) -> str:
    """The idempotency key; raises InvalidInput where there is none."""
    if not key or len(key) > MAX_KEY:
        text = f"Send an Idempotency-Key header of 1 to {MAX_KEY} characters, best a UUID."
        raise InvalidInput(text, field="Idempotency-Key")
    return key


def creating_key(scope: ASGIScope, key: str | None) -> str:
    """The idempotency key of a request that makes a session; raises InvalidInput where there is none.

    The session's id follows from owner and key, and a guest's owner is only a name that others may use, too. So what
    keeps guests apart is a key that nobody guesses; with a shorter one they are kept apart by where they come from.
    """
    key = checked_key(key)
    if len(key) >= STRONG_KEY or _is_proven(scope):
        return key
    return f"{address_key(marks_of(scope).address)} {key}"


def _is_proven(scope: ASGIScope) -> bool:
    """Whether who asks shows a key or a signature, which are looked at before anything is done."""
    return bool(header(scope, b"authorization") or header(scope, b"x-api-key")) or is_signed(scope)


def optional_key(key: str | None) -> str:
    """The idempotency key, "" where there is none."""
    return checked_key(key) if key else ""


def error_answer(problem: Problem) -> wire.ErrorAnswer:
    """The answer where there is no resource to show."""
    message = problem_message(problem)
    message.severity = "unrecoverable" if problem.status in (200, 404, 409, 410) else "recoverable"
    return wire.ErrorAnswer(wire.Meta(wire.VERSION, "error"), [message], problem.fields.get("continue_url", UNSET))


@lru_cache(maxsize=AGENTS_KEPT)
def _agent(header: str, signed: bool) -> UUID:
    """Whose the sessions of an agent without an API key are. A name that a signature proves is another than the same
    name without one, so that nobody gets at what an agent made with its signature by calling itself the same."""
    url = _profile(header) if signed else None
    return derive("agent", header) if url is None else derive("signed-agent", url)


@lru_cache(maxsize=AGENTS_KEPT)
def _profile(header: str) -> str | None:
    """The address of the profile in `UCP-Agent`, if it names one."""
    try:
        return profile_address(header)
    except ProfileAddressInvalid:
        return None
