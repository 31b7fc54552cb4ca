"""The form of a joint offer: two merchants, goods of each, what it gives, who pays which part."""

from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import Merchant
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import basis_points, instant, money, names, shown, whole
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.collaborations import (
    COLLABORATION,
    JointKind,
    JointTerms,
    NewCollaboration,
    Side,
)

NO_PARTNER = say_later("Choose the merchants first.")
FIELDS = {
    name: name
    for name in (
        *("partner", "first_product", "second_product", "first_share", "second_share"),
        *("price", "percent", "most_orders", "starts_at", "ends_at"),
    )
} | {"name": "name_en"}


class Pair(msgspec.Struct, frozen=True):
    """The two merchants that a form is about."""

    first: Merchant
    second: Merchant


async def pair_of(desk: Desk, first: str, partner: str) -> Pair | None:
    """The open merchants with these slugs; the first is the merchant's own where a merchant asks."""
    known = {one.slug: one for one in await desk.shop.catalog.merchants(open_only=True)}
    mine = next((one for one in known.values() if one.id == desk.merchant), None) if desk.merchant else known.get(first)
    other = known.get(partner)
    return Pair(mine, other) if mine and other and mine.id != other.id else None


def empty(desk: Desk) -> Form:
    """Half of it each, for a week."""
    now = desk.now.replace(second=0, microsecond=0)
    return Form(
        {
            "once": encode(COLLABORATION, desk.shop.ids.new()),
            "kind": JointKind.BUNDLE.value,
            "first_product": desk.query("first_product"),
            "second_product": desk.query("second_product"),
            "percent": "10",
            "first_share": "50",
            "second_share": "50",
            **shown(desk.zone, {"starts_at": now, "ends_at": now + timedelta(days=7)}),
        }
    )


def read(desk: Desk, form: Form, pair: Pair) -> NewCollaboration | None:
    """What the form describes; None, with the errors noted, if it cannot be."""
    try:
        id = decode(COLLABORATION, form.get("once"))
    except InvalidInput:
        raise InvalidInput("The form lacks its id; load the page again.", field="once") from None
    kind = JointKind.CROSS if form.get("kind") == JointKind.CROSS.value else JointKind.BUNDLE
    starts_at, ends_at = instant(desk, form, "starts_at"), instant(desk, form, "ends_at")
    bundle = kind is JointKind.BUNDLE
    price = money(desk, form, "price", CURRENCY) if bundle else 0
    percent = 0 if bundle else basis_points(desk, form, "percent")
    shares = [basis_points(desk, form, name) for name in ("first_share", "second_share")]
    most = whole(desk, form, "most_orders")
    if form.errors or starts_at is None or ends_at is None:
        return None
    terms = JointTerms(
        kind=kind,
        name=names(form, "name"),
        first=Side(pair.first.id, _product(form, "first_product"), shares[0]),
        second=Side(pair.second.id, _product(form, "second_product"), shares[1]),
        starts_at=starts_at,
        ends_at=ends_at,
        prices={CURRENCY: price} if price else {},
        basis_points=percent,
        most_orders=most or None,
    )
    return NewCollaboration(id, terms, desk.merchant)


def _product(form: Form, name: str) -> UUID | None:
    text = form.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput("That is no product.", field=name) from None
