"""From our words to UCP's and back."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any
from uuid import UUID

from msgspec import UNSET

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import decode, derive, encode, renamed
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.orders.contract import (
    Completion,
    Contact,
    DeliveryOption,
    Destination,
    LineInput,
    NoteKind,
    Order,
    OrderBody,
    OrderRow,
    OrderState,
    SessionInput,
    SessionState,
    SessionView,
    SoldPart,
    title_of,
)
from nightmarket.platform.access.agents import AgentProfile
from nightmarket.promotions.contract import Book

from . import wire
from .consents import consent_given, consent_shown
from .discounts import declined_of, discounts_of, discounts_sold, rejected_codes
from .negotiating import Capable

STATUS = {
    SessionState.INCOMPLETE: "incomplete",
    SessionState.READY: "ready_for_complete",
    SessionState.IN_PROGRESS: "complete_in_progress",
    SessionState.COMPLETED: "completed",
    SessionState.CANCELLED: "canceled",
}
AMOUNTS_KEPT = 4_096
"""Amounts of lines whose words are kept: goods have few prices, and each is said in thousands of answers."""

CANCELLED = OrderState.CANCELLED  # reading a member off its class takes longer than comparing it
OPEN = (SessionState.INCOMPLETE, SessionState.READY)
HOME = "shipping"
SELECTED = "fulfillment.methods[0].selected_destination_id"
FREE = {"en": "Free {title}", "de": "{title}, kostenlos", "it": "{title}, gratuita", "zh": "{title}（免费）"}
CODES = {
    "payment_declined": "payment_failed",
    "wallet_changed": "payment_failed",
    "wallet_code_refused": "payment_failed",
    "address_missing": "missing",
    "not_deliverable": "address_undeliverable",
}


class Translator:
    """Knows where the shop is, which handlers it pays through and the names of offers."""

    def __init__(
        self,
        address: str,
        handlers: Mapping[str, list[dict[str, Any]]],
        currency: str,
        clock: Clock,
        house: str | None = None,
    ) -> None:
        """`house` is the slug of the merchant whose goods may be named by their SKU alone."""
        self._address = address
        self._currency = currency
        self._clock = clock
        self._house = house
        self._links: list[wire.Link] = wire.encoded(
            [
                wire.Link("terms_of_service", f"{address}/terms"),
                wire.Link("privacy_policy", f"{address}/privacy"),
            ]
        )
        self._checkouts = Capable(capabilities("checkout", "fulfillment", "discount", "buyer_consent"), dict(handlers))
        self._carts = Capable(capabilities("cart", "discount", "buyer_consent"))
        self._orders = Capable(capabilities("order"))

    def session_input(self, request: wire.SessionRequest, language: str) -> SessionInput:
        """What a request wants; raises InvalidInput with the path of what is wrong."""
        context = request.context or wire.Context()
        to, options, anywhere = _fulfillment(request.fulfillment)
        buyer = request.buyer
        spoken = context.language.partition("-")[0].lower()
        return SessionInput(
            lines=tuple(
                LineInput(self.variant_of(line.item.id, f"line_items[{n}].item.id"), line.quantity, line.id)
                for n, line in enumerate(request.line_items)
            ),
            currency=context.currency or self._currency,
            language=spoken if spoken in LANGUAGES else language,
            contact=_contact(buyer) if buyer else None,
            destination=to,
            options=options,
            codes=tuple(request.discounts.codes) if request.discounts else (),
            declined=declined_of(request.discounts),
            cart=decode("cart", request.cart_id, "cart_id") if request.cart_id else None,
            option=anywhere,
            estimate=True,
        )

    def variant_of(self, item: str, field: str) -> UUID:
        """The variant that an item's id names: our own id, `merchant:SKU`, or the SKU alone in a house of one."""
        with contextlib.suppress(InvalidInput):
            return decode("var", item)
        merchant, colon, sku = item.partition(":")
        if self._house is not None and not colon:
            merchant, sku = self._house, item
        if merchant and sku:
            return derive("variant", merchant, sku)  # as the catalogue names variants: their ids follow from both
        raise InvalidInput(f"There is no item {item[:80]!r}; use an id from the catalogue.", field=field)

    def checkout(
        self, view: SessionView, book: Book, agent: AgentProfile | None = None, extra: tuple[wire.Message, ...] = ()
    ) -> wire.Checkout:
        """A checkout session, priced as it stands; a completed one shows what was sold."""
        id = encode("chk", view.id)
        answer = wire.Checkout(
            ucp=self._checkouts.to(agent),
            id=id,
            status=STATUS[view.state],
            currency=view.body.currency,
            line_items=self._lines(view),
            totals=_totals(view),
            links=self._links,
            payment=wire.NO_INSTRUMENTS,
            buyer=_buyer(view.body.contact, view.body.language),
            fulfillment=_methods(view),
            discounts=discounts_of(view, book),
            expires_at=_instant(view.expires_at),
        )
        messages = list(extra)
        if view.state in OPEN:
            answer.continue_url = f"{self._address}/checkout/{id}"
            messages += [_notice(one.code, one.content, one.path, one.blocking) for one in view.assessment.notices]
            messages += rejected_codes(view, book, self._clock.now())
        if messages:
            answer.messages = messages
        if view.order is not None:
            if view.state is SessionState.COMPLETED:
                answer.order = self.confirmation(id)
            first, parts = view.order.unpacked()
            answer.line_items, answer.totals = self._sold(parts)
            answer.discounts = discounts_sold(first, parts, book)
        return answer

    def cart(self, view: SessionView, book: Book, agent: AgentProfile | None = None) -> wire.Cart:
        """A cart with its estimated price."""
        missing = [n for n in view.assessment.notices if n.path and n.path.startswith("$.line_items[")]
        return wire.Cart(
            ucp=self._carts.to(agent),
            id=encode("cart", view.id),
            currency=view.body.currency,
            line_items=self._lines(view),
            totals=_totals(view),
            buyer=_buyer(view.body.contact, view.body.language),
            discounts=discounts_of(view, book),
            messages=[
                *(_notice(n.code, n.content, n.path, n.blocking) for n in missing),
                *rejected_codes(view, book, self._clock.now()),
            ]
            or UNSET,
            links=self._links,
            expires_at=_instant(view.expires_at),
            continue_url=f"{self._address}/cart",
        )

    def confirmation(self, checkout: str) -> wire.OrderConfirmation:
        """The order that a checkout of that id became."""
        id = renamed("ord", checkout)
        return wire.OrderConfirmation(id, f"{self._address}/orders/{id}")

    def completed(self, id: str, done: Completion, book: Book, agent: AgentProfile | None = None) -> wire.Checkout:
        """The answer to `complete` of the checkout with that id, from the order alone."""
        sold = done.sold
        first, parts = sold.unpacked()
        lines, totals = self._sold(parts)
        answer = wire.Checkout(
            ucp=self._checkouts.to(agent),
            id=id,
            status=_status(done),
            currency=sold.currency,
            line_items=lines,
            totals=totals,
            links=self._links,
            payment=wire.NO_INSTRUMENTS,
            buyer=_buyer(first.contact, first.language),
            discounts=discounts_sold(first, parts, book),
        )
        if answer.status == "completed":
            answer.order = self.confirmation(id)
        return answer

    def order(self, order: Order, notes: Sequence[tuple[NoteKind, dict[str, object]]] = ()) -> wire.Order:
        """An order and what became of it, also as others report it."""
        id = encode("ord", order.id)
        events = [dict(body) for kind, body in notes if kind is NoteKind.EVENT]
        reported = [dict(body) for kind, body in notes if kind is NoteKind.ADJUSTMENT]
        lines, totals = self._sold(order.unpacked()[1])
        gone = order.state in (CANCELLED, OrderState.LAPSED, OrderState.DECLINED)
        return wire.Order(
            ucp=self._orders.to(None),
            id=id,
            checkout_id=encode("chk", order.id),
            permalink_url=f"{self._address}/orders/{id}",
            currency=order.currency,
            line_items=[
                wire.OrderLineItem(
                    line.id,
                    line.item,
                    wire.Quantity(line.quantity, 0 if gone else line.quantity, 0),
                    line.totals,
                    "removed" if gone else "processing",
                )
                for line in lines
            ],
            fulfillment=wire.OrderFulfillment([_expectation(row) for row in order.rows], events or UNSET),
            totals=totals,
            adjustments=[
                *reported,
                *(
                    wire.Adjustment(
                        encode("pay", payment.id),
                        "refund",
                        _instant(payment.at),
                        "pending" if payment.state in ("refund_due", "void_due") else "completed",
                        [wire.Total("total", -(max(payment.owed, payment.refunded) or payment.amount))],
                    )
                    for payment in order.payments
                    if payment.refunded or payment.state in ("refund_due", "refunded", "void_due", "voided")
                ),
            ]
            or UNSET,
        )

    def _lines(self, view: SessionView) -> list[wire.LineItem]:
        priced = {line.id: line for line in view.assessment.quote.lines}
        lines: list[wire.LineItem] = []
        for line in view.body.lines:
            listing, quoted = view.listings.get(line.variant), priced.get(line.id)
            unit, total = (quoted.unit_price, quoted.total) if quoted else (0, 0)
            title = title_of(listing, view.body.language) if listing else "No longer sold"
            item = _sold_item(line.variant, title, unit, listing.image if listing else None, self._address)
            lines.append(wire.LineItem(line.id, item, line.quantity, _line_totals(unit * line.quantity, total)))
        return lines

    def _sold(self, parts: Sequence[OrderBody | SoldPart]) -> tuple[list[wire.LineItem], list[wire.Total]]:
        """The lines of an order and what they come to, as it was sold."""
        lines: list[wire.LineItem] = []
        listed = goods = shipping = 0
        shipped: int | None = None
        for part in parts:
            for line in part.lines:
                subtotal = line.quantity * line.unit_price
                item = _sold_item(line.variant, line.title, line.unit_price, line.image, self._address)
                lines.append(wire.LineItem(line.id, item, line.quantity, _line_totals(subtotal, line.total)))
                listed += subtotal
                goods += line.total
            parcel = part.shipping
            if parcel is not None:
                shipping += parcel.amount
                shipped = (shipped or 0) + parcel.total
        return lines, _sums(listed, goods, shipping, shipped, goods + (shipped or 0))


def capabilities(*names: str) -> dict[str, list[dict[str, Any]]]:
    """Capability names with their version, as every answer carries them."""
    return {f"{wire.SHOPPING}.{name}": [{"version": wire.VERSION}] for name in names}


def _status(done: Completion) -> str:
    if done.state is CANCELLED:
        return "canceled"
    return "complete_in_progress" if done.awaited else "completed"


def problem_message(problem: Problem) -> wire.Message:
    """A refusal as UCP says it."""
    path = f"$.{problem.field}" if problem.field else UNSET
    return wire.Message("error", problem.detail, CODES.get(problem.code, problem.code), "recoverable", path)


def _notice(code: str, content: str, path: str | None, blocking: bool) -> wire.Message:
    if not blocking:
        return wire.Message("info", content, code, UNSET, path or UNSET)
    return wire.Message("error", content, CODES.get(code, code), "recoverable", path or UNSET)


def _fulfillment(
    request: wire.FulfillmentRequest | None,
) -> tuple[Destination | None, dict[UUID, str], str | None]:
    """Where to, the option of each merchant, and the option for all others: of a group that is not one of ours."""
    if request is None or not request.methods:
        return None, {}, None
    if len(request.methods) > 1 or request.methods[0].type != "shipping":
        raise InvalidInput("Only one method, of type shipping, is offered.", field="fulfillment.methods")
    method = request.methods[0]
    options: dict[UUID, str] = {}
    anywhere: str | None = None
    for group in method.groups:
        if group.selected_option_id:
            try:
                options[decode("grp", group.id)] = group.selected_option_id
            except InvalidInput:
                anywhere = group.selected_option_id
    wanted, given = method.selected_destination_id, method.destinations
    to = next((one for one in given if one.id == wanted), None)
    if to is None and len(given) == 1 and not wanted:
        to = given[0]
    if to is None and wanted:
        raise UnknownDestination(f"There is no destination {wanted[:80]!r} in this method.", field=SELECTED)
    return (None if to is None else destination_of(to)), options, anywhere


class UnknownDestination(InvalidInput):
    """The selected destination is none of those that were sent."""


def destination_of(to: wire.DestinationRequest) -> Destination:
    """A destination as it was sent."""
    return Destination(
        country=to.address_country,
        street=to.street_address,
        city=to.address_locality or to.locality,
        postal_code=to.postal_code,
        region=to.address_region or to.region,
        extended=to.extended_address,
        first_name=to.first_name,
        last_name=to.last_name,
        phone=to.phone_number,
        id=to.id or "home",
    )


def _address(to: Destination) -> dict[str, str]:
    return {
        "street_address": to.street,
        "address_locality": to.city,
        "address_country": to.country,
        "postal_code": to.postal_code,
        "address_region": to.region,
        "extended_address": to.extended,
        "first_name": to.first_name,
        "last_name": to.last_name,
        "phone_number": to.phone,
    }


def shipping_destination(to: Destination) -> wire.ShippingDestination:
    """A destination as it is shown."""
    return wire.ShippingDestination(**_address(to), id=to.id, type="shipping_address")


def _methods(view: SessionView) -> wire.Fulfillment:
    groups = [
        wire.Group(
            encode("grp", group.merchant),
            list(group.lines),
            [_option(option, total, view.body.language) for option, total in zip_longest(group.options, group.totals)],
            group.chosen,
        )
        for group in view.assessment.groups
    ]
    to = view.body.destination
    method = wire.Method(HOME, "shipping", [line.id for line in view.body.lines], groups=groups)
    if to is not None:
        method.destinations = [shipping_destination(to)]
        method.selected_destination_id = to.id
    return wire.Fulfillment([method])


def _option(option: DeliveryOption, total: int | None, language: str) -> wire.Option:
    total = option.amount if total is None else total
    title = option_title(pick(option.titles, language) or option.id, option.amount, total, language)
    totals = [wire.Total("fulfillment", option.amount), wire.Total("total", total)]
    if total != option.amount:
        totals.insert(1, wire.Total("discount", total - option.amount))
    return wire.Option(option.id, title, totals)


def option_title(title: str, amount: int, total: int, language: str) -> str:
    """A way of delivery as it is called where an offer has made it free."""
    return (pick(FREE, language) or "{title}").format(title=title) if amount and not total else title


def _contact(buyer: wire.BuyerRequest) -> Contact:
    consent = consent_given(buyer.consent) if buyer.consent else {}
    return Contact(buyer.email, buyer.first_name, buyer.last_name, buyer.phone_number, consent)


def _buyer(contact: Contact | None, language: str) -> Any:
    if contact is None:
        return UNSET
    consent = consent_shown(contact.consent, language)
    return wire.Buyer(contact.first_name, contact.last_name, contact.email, contact.phone, consent)


def _sold_item(variant: UUID, title: str, price: int, image: str | None, address: str) -> wire.Item:
    url = f"{address}/media/{image}/384" if image else UNSET
    return wire.Item(encode("var", variant), title, price, url)


@lru_cache(maxsize=AMOUNTS_KEPT)
def _line_totals(subtotal: int, total: int) -> list[wire.Total]:
    totals = [wire.Total("subtotal", subtotal)]
    if total != subtotal:
        totals.append(wire.Total("items_discount", total - subtotal))
    totals.append(wire.Total("total", total))
    return wire.encoded(totals)


def _sums(subtotal: int, goods: int, shipping: int, shipped: int | None, total: int) -> list[wire.Total]:
    totals = [wire.Total("subtotal", subtotal)]
    if goods != subtotal:
        totals.append(wire.Total("items_discount", goods - subtotal))
    if shipped is not None:
        totals.append(wire.Total("fulfillment", shipping))
        if shipped != shipping:
            totals.append(wire.Total("discount", shipped - shipping))
    totals.append(wire.Total("total", total))
    return totals


def _totals(view: SessionView) -> list[wire.Total]:
    quote = view.assessment.quote
    goods = sum(line.total for line in quote.lines)
    listed = sum(line.quantity * line.unit_price for line in quote.lines)
    shipping = sum(part.amount for part in quote.shipping)
    shipped = sum(part.total for part in quote.shipping) if quote.shipping else None
    return _sums(listed, goods, shipping, shipped, quote.total)


def _expectation(row: OrderRow) -> wire.Expectation:
    body = row.body
    sent = body.shipping
    return wire.Expectation(
        encode("grp", row.merchant),
        [wire.LineQuantity(line.id, line.quantity) for line in body.lines],
        "shipping",
        wire.Address(**_address(body.destination)),
        option_title(sent.title, sent.amount, sent.total, body.language) if sent else UNSET,
    )


def _instant(at: Any) -> str:
    return at.isoformat().replace("+00:00", "Z")
