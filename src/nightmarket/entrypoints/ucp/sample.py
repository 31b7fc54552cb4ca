"""The order API as UCP's public conformance suite wants it where that is not what UCP's specification says.

Only with NIGHTMARKET_SAMPLE_ANSWERS, which a shop that others can reach refuses: it names the addresses of whoever is
named. What differs, and why, is in docs/benchmarks/ucp-conformance.md.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from nightmarket.bootstrap import PROVIDER, Shop
from nightmarket.kernel.problems import InvalidInput, Kind, Problem
from nightmarket.orders.contract import Contact, Destination, PaymentInput, SessionInput, SessionKind
from nightmarket.orders.errors import NotReady, PaymentRefused

from . import wire
from .api import HANDLERS, Handlers, Sent, UcpApi
from .translate import destination_of, shipping_destination

HOUSE = "flower-shop"
"""The merchant whose goods the suite names by their SKU."""

MOCK_HANDLER = "mock_payment_handler"
NOBODY = Contact("nobody@flower-shop.example")
"""Stands for the buyer of an order that names none; never shown."""

ADDRESS_BYTES = 5


class InsufficientStock(InvalidInput):
    """More is wanted than there is."""

    code = "insufficient_stock"


class ProductUnknown(InvalidInput):
    """Nothing with that id is sold here."""

    code = "product_unknown"


class FulfillmentMissing(InvalidInput):
    """Something of the delivery is missing."""

    code = "fulfillment_missing"


class PaymentRequired(Problem):
    """The payment was declined."""

    code = "payment_required"
    kind = Kind.UNPROCESSABLE

    @property
    def status(self) -> int:
        return 402


class ErrorWithDetail(wire.ErrorAnswer):
    detail: str = ""


class SampleApi(UcpApi):
    """Statuses instead of answers for refusals, an omitted buyer is kept, addresses are known by e-mail."""

    offered: ClassVar[Handlers] = {
        **HANDLERS,
        "dev.nightmarket.mockpay": [
            {"id": MOCK_HANDLER, "version": wire.VERSION, "available_instruments": [{"type": "card"}]}
        ],
    }

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, HOUSE)

    async def create_checkout(
        self, owner: UUID, sent: Sent, request: wire.SessionRequest, language: str
    ) -> wire.Checkout:
        return await self._shown(await super().create_checkout(owner, sent, request, language))

    async def get_checkout(self, owner: UUID, id: str) -> wire.Checkout:
        return await self._shown(await super().get_checkout(owner, id))

    async def update_checkout(
        self, owner: UUID, id: str, sent: Sent, request: wire.SessionRequest, language: str
    ) -> wire.Checkout:
        return await self._shown(await super().update_checkout(owner, id, sent, request, language))

    async def complete_checkout(self, owner: UUID, id: str, sent: Sent, request: wire.CompleteRequest) -> wire.Checkout:
        return await self._shown(await super().complete_checkout(owner, id, sent, request))

    async def refused(self, owner: UUID, session: UUID, refusal: Problem) -> wire.Checkout:  # noqa: ARG002
        if isinstance(refusal, NotReady):
            text = f"Fulfillment address and option must be selected. {refusal.detail}"
            raise FulfillmentMissing(text, field="fulfillment") from refusal
        if isinstance(refusal, PaymentRefused):
            raise PaymentRequired(refusal.detail, field="payment") from refusal
        raise refusal

    def error(self, problem: Problem) -> wire.ErrorAnswer:
        plain = super().error(problem)
        return ErrorWithDetail(plain.ucp, plain.messages, plain.continue_url, problem.detail)

    async def _wanted(
        self, owner: UUID, session: tuple[SessionKind, UUID | None], request: wire.SessionRequest, language: str
    ) -> SessionInput:
        kind, id = session
        before = (await self._orders.get(owner, kind, id)).body.contact if id is not None else None
        email = request.buyer.email if request.buyer else before.email if before else ""
        if email:
            request = await self._with_addresses(request, email)
        wanted = await super()._wanted(owner, session, request, language)
        await self._must_be_there(wanted, request)
        return msgspec.structs.replace(wanted, contact=wanted.contact or before or NOBODY)

    async def _must_be_there(self, wanted: SessionInput, request: wire.SessionRequest) -> None:
        listings = await self._shop.catalog.listings({line.variant for line in wanted.lines})
        stock = {one.tally for listing in listings.values() for one in listing.stock}
        async with self._shop.database.read() as connection:
            levels = await self._shop.tallies.levels(connection, stock)
        for number, (line, asked) in enumerate(zip(wanted.lines, request.line_items, strict=True)):
            listing = listings.get(line.variant)
            if listing is None:
                text = f"Product {asked.item.id[:80]!r} not found."
                raise ProductUnknown(text, field=f"line_items[{number}].item.id")
            left = sum(levels[one.tally].available for one in listing.stock if one.tally in levels)
            if line.quantity > left:
                text = f"Insufficient stock of {asked.item.id[:80]!r}: {left} left."
                raise InsufficientStock(text, field=f"line_items[{number}].quantity")

    async def _with_addresses(self, request: wire.SessionRequest, email: str) -> wire.SessionRequest:
        """The request with the known address that it selects, and with ids for new ones, which become known."""
        if request.fulfillment is None or not request.fulfillment.methods:
            return request
        method, *others = request.fulfillment.methods
        known = await self._orders.known_addresses(email)
        if method.destinations:
            sent = [_named(one, known) for one in method.destinations]
            await self._orders.remember_addresses([(email, destination_of(one)) for one in sent if _is_new(one, known)])
        else:
            sent = [_request_of(one) for one in known if one.id == method.selected_destination_id]
        fulfilment = wire.FulfillmentRequest([msgspec.structs.replace(method, destinations=sent), *others])
        return msgspec.structs.replace(request, fulfillment=fulfilment)

    async def _shown(self, answer: wire.Checkout) -> wire.Checkout:
        """Without the buyer that stands for none; where nothing is selected, with the addresses of the one who buys."""
        buyer: Any = answer.buyer
        if not isinstance(buyer, wire.Buyer) or buyer.email == NOBODY.email:
            answer.buyer = UNSET
            return answer
        methods: Any = answer.fulfillment.methods if isinstance(answer.fulfillment, wire.Fulfillment) else []
        for method in methods:
            if method.destinations is UNSET:
                known = await self._orders.known_addresses(buyer.email)
                method.destinations = [shipping_destination(one) for one in known] or UNSET
        return answer

    def _payment(self, request: wire.CompleteRequest) -> PaymentInput:
        payment = super()._payment(request)
        return PaymentInput(PROVIDER, payment.token) if payment.handler == MOCK_HANDLER else payment


def _named(sent: wire.DestinationRequest, known: Sequence[Destination]) -> wire.DestinationRequest:
    """A destination with an id: its own, that of a known address with the same words, or one that follows from them."""
    if sent.id:
        return sent
    here = destination_of(sent)
    same = next((one.id for one in known if msgspec.structs.replace(one, id=here.id) == here), None)
    raw = blake2b(msgspec.msgpack.encode(here), digest_size=ADDRESS_BYTES).hexdigest()
    return msgspec.structs.replace(sent, id=same or f"addr_{raw}")


def _is_new(sent: wire.DestinationRequest, known: Sequence[Destination]) -> bool:
    return sent.id.startswith("addr_") and all(one.id != sent.id for one in known)


def _request_of(known: Destination) -> wire.DestinationRequest:
    shown = shipping_destination(known)
    return wire.DestinationRequest(**msgspec.structs.asdict(shown))
