"""Shapes on the wire, after UCP's JSON schemas 2026-04-08. Amounts are minor units.

Unknown members of requests are ignored, as the specification demands of open objects.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from .festival_wire import FestivalEcho, FestivalRequest

VERSION = "2026-04-08"
SHOPPING = "dev.ucp.shopping"


class Total(Struct, omit_defaults=True, gc=False):
    type: str
    amount: int
    display_text: str | UnsetType = UNSET


class Item(Struct, omit_defaults=True, gc=False):
    id: str
    title: str
    price: int
    image_url: str | UnsetType = UNSET


class LineItem(Struct, omit_defaults=True, gc=False):
    id: str
    item: Item
    quantity: int
    totals: list[Total]


class Consent(Struct, omit_defaults=True):
    granted: bool
    source: str
    description: str
    segments: "dict[str, Consent] | UnsetType" = UNSET


class Buyer(Struct, omit_defaults=True, gc=False):
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone_number: str = ""
    consent: dict[str, Consent | bool] | UnsetType = UNSET


class Address(Struct, omit_defaults=True):
    street_address: str = ""
    address_locality: str = ""
    address_country: str = ""
    postal_code: str = ""
    address_region: str = ""
    extended_address: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""


class ShippingDestination(Address, omit_defaults=True, kw_only=True):
    id: str = ""
    type: str = ""


class Option(Struct):
    id: str
    title: str
    totals: list[Total]


class Group(Struct, omit_defaults=True):
    id: str
    line_item_ids: list[str]
    options: list[Option] | UnsetType = UNSET
    selected_option_id: str | None | UnsetType = UNSET


class Method(Struct, omit_defaults=True):
    id: str
    type: str
    line_item_ids: list[str]
    destinations: list[ShippingDestination] | UnsetType = UNSET
    selected_destination_id: str | None | UnsetType = UNSET
    groups: list[Group] | UnsetType = UNSET


class Fulfillment(Struct, omit_defaults=True):
    methods: list[Method] | UnsetType = UNSET


class Allocation(Struct):
    path: str
    amount: int


class AppliedDiscount(Struct, omit_defaults=True):
    title: str
    amount: int
    code: str | UnsetType = UNSET
    automatic: bool = False
    priority: int | UnsetType = UNSET
    provisional: bool = False
    """It holds once the buyer has proven an address; until then the session cannot be completed with it."""
    allocations: list[Allocation] | UnsetType = UNSET
    offer: str | UnsetType = UNSET
    """Our own: what is limited per buyer, by the name under which it can be declined."""
    funders: list[str] | UnsetType = UNSET
    """Our own, for UCP has no word for who pays: the merchants who share it, and `market` for the market. Their parts
    are told to nobody else."""


class Discounts(Struct, omit_defaults=True, gc=False):
    codes: list[str] | UnsetType = UNSET
    applied: list[AppliedDiscount] | UnsetType = UNSET
    declined: list[str] | UnsetType = UNSET
    """Our own: offers that the buyer does without."""


NO_DISCOUNTS = Discounts([], [])


class Message(Struct, omit_defaults=True):
    type: str
    content: str
    code: str | UnsetType = UNSET
    severity: str | UnsetType = UNSET
    path: str | UnsetType = UNSET


class Link(Struct):
    type: str
    url: str


class PaymentAnswer(Struct):
    """Instruments that a buyer has here: none, as nobody's are kept."""

    instruments: list[dict[str, Any]] = []


NO_INSTRUMENTS = PaymentAnswer()


class OrderConfirmation(Struct, gc=False):
    id: str
    permalink_url: str


class Meta(Struct, omit_defaults=True):
    version: str
    status: str | UnsetType = UNSET
    capabilities: dict[str, list[dict[str, Any]]] | UnsetType = UNSET
    payment_handlers: dict[str, list[dict[str, Any]]] | UnsetType = UNSET
    services: dict[str, list[dict[str, Any]]] | UnsetType = UNSET


class Checkout(Struct, omit_defaults=True, gc=False):
    """A checkout session as answered."""

    ucp: Meta
    id: str
    status: str
    currency: str
    line_items: list[LineItem]
    totals: list[Total]
    links: list[Link]
    payment: PaymentAnswer
    buyer: Buyer | UnsetType = UNSET
    fulfillment: Fulfillment | UnsetType = UNSET
    discounts: Discounts | UnsetType = UNSET
    messages: list[Message] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    continue_url: str | UnsetType = UNSET
    order: OrderConfirmation | UnsetType = UNSET
    festival: FestivalEcho | UnsetType = UNSET


class Cart(Struct, omit_defaults=True):
    """A cart as answered."""

    ucp: Meta
    id: str
    currency: str
    line_items: list[LineItem]
    totals: list[Total]
    buyer: Buyer | UnsetType = UNSET
    discounts: Discounts | UnsetType = UNSET
    messages: list[Message] | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    continue_url: str | UnsetType = UNSET
    festival: FestivalEcho | UnsetType = UNSET


class Quantity(Struct):
    original: int
    total: int
    fulfilled: int


class OrderLineItem(Struct):
    id: str
    item: Item
    quantity: Quantity
    totals: list[Total]
    status: str


class LineQuantity(Struct):
    id: str
    quantity: int


class Expectation(Struct, omit_defaults=True):
    id: str
    line_items: list[LineQuantity]
    method_type: str
    destination: Address
    description: str | UnsetType = UNSET


class OrderFulfillment(Struct, omit_defaults=True):
    expectations: list[Expectation] | UnsetType = UNSET
    events: list[dict[str, Any]] | UnsetType = UNSET


class Adjustment(Struct, omit_defaults=True):
    id: str
    type: str
    occurred_at: str
    status: str
    totals: list[Total] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Order(Struct, omit_defaults=True):
    """An order as answered."""

    ucp: Meta
    id: str
    checkout_id: str
    permalink_url: str
    currency: str
    line_items: list[OrderLineItem]
    fulfillment: OrderFulfillment
    totals: list[Total]
    adjustments: list[Any] | UnsetType = UNSET  # `Adjustment`s, and what others report in the same form
    messages: list[Message] | UnsetType = UNSET


class ErrorAnswer(Struct, omit_defaults=True):
    """When there is no resource to answer with; `continue_url` is where the buyer can go on instead."""

    ucp: Meta
    messages: list[Message]
    continue_url: str | UnsetType = UNSET


class ProtocolError(Struct, omit_defaults=True, kw_only=True):
    """What is refused before any operation is asked: too large, too fast, wrongly signed. UCP wants `code` and
    `content` for errors of the protocol (Checkout, REST binding: Error Responses); the rest is RFC 9457's."""

    code: str
    content: str
    type: str
    title: str
    status: int
    detail: str
    instance: str
    field: str | UnsetType = UNSET
    fields: dict[str, Any] | UnsetType = UNSET


class Profile(Struct):
    """The document at `/.well-known/ucp`; `keys` are the public keys of what we sign (RFC 7517)."""

    ucp: Meta
    keys: list[dict[str, Any]] = []


class ItemRef(Struct):
    id: str


class LineRequest(Struct):
    item: ItemRef
    quantity: int
    id: str | None = None


class ConsentRequest(Struct):
    granted: bool
    source: str = "platform"
    segments: "dict[str, ConsentRequest]" = {}


class BuyerRequest(Struct):
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone_number: str = ""
    consent: dict[str, ConsentRequest | bool] = {}
    """A plain boolean is what the wire version before had."""


class DestinationRequest(Address):
    id: str = ""
    type: str = ""
    locality: str = ""
    region: str = ""
    """Older names of two members, which senders still use."""


class GroupRequest(Struct):
    id: str = ""
    selected_option_id: str | None = None


class MethodRequest(Struct):
    id: str = ""
    type: str = "shipping"
    destinations: list[DestinationRequest] = []
    selected_destination_id: str | None = None
    groups: list[GroupRequest] = []


class FulfillmentRequest(Struct):
    methods: list[MethodRequest] = []


class DiscountsRequest(Struct):
    """`declined` is our own: `offer` of applied discounts that the buyer does without. Each request replaces both."""

    codes: list[str] = []
    declined: list[str] = []


class Context(Struct):
    language: str = ""
    currency: str = ""
    address_country: str = ""


class SessionRequest(Struct):
    """Create or update of a cart or checkout session."""

    line_items: list[LineRequest] = []
    buyer: BuyerRequest | None = None
    context: Context | None = None
    fulfillment: FulfillmentRequest | None = None
    discounts: DiscountsRequest | None = None
    cart_id: str | None = None
    festival: FestivalRequest | None = None


class Credential(Struct):
    type: str
    token: str = ""


class Instrument(Struct):
    id: str
    handler_id: str
    type: str
    credential: Credential | None = None
    selected: bool | None = None


class Payment(Struct):
    instruments: list[Instrument] = []


class CompleteRequest(Struct):
    payment: Payment


ENCODE = msgspec.json.Encoder()


def encoded(part: object) -> Any:
    """A part of many answers, encoded once: it may stand wherever the part itself may."""
    return msgspec.Raw(ENCODE.encode(part))
