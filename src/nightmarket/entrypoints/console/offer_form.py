"""The form of an offer, read into what promotions publish."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import minor_digits, parse_amount
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.promotions.contract import (
    AmountOff,
    BuyerCap,
    Condition,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PurchaseLimit,
)
from nightmarket.promotions.errors import CodeTaken, OfferRefused, UsesTaken

from .desk import Desk

EFFECTS = ("percent", "amount", "free_shipping", "limit")
NO_AMOUNT = say_later("Write an amount such as 1234.50, with nothing between the thousands.")
NOTHING = FreeShipping()

FIELDS = {
    "name": "name_en",
    "code": "code",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "effect.basis_points": "percent",
    "effect.amounts": "amount",
    "condition.at_least": "minimum",
    "condition.categories": "category",
    "condition.merchants": "merchant",
    "max_uses": "max_uses",
    "budget": "budget",
    "per_buyer": "buyer_uses",
    "per_buyer.uses": "buyer_uses",
    "per_buyer.units": "buyer_units",
    "effect.units": "limit",
}
"""Where a flaw that promotions name is shown."""


class Goods(msgspec.Struct, frozen=True):
    """The very goods that an offer is for, if it names some."""

    products: frozenset[UUID] = frozenset()
    variants: frozenset[UUID] = frozenset()


async def read_goods(desk: Desk, form: Form) -> Goods:
    """The product and the variant that the form names; what is not there is noted."""
    products: set[UUID] = set()
    variants: set[UUID] = set()
    slug, sku, merchant = form.get("product"), form.get("sku"), _merchant(desk, form, "merchant")
    if slug:
        product = await desk.shop.catalog.product(slug.rpartition("/")[2])
        if product is None:
            form.wrong("product", desk.say(say_later("There is no such product; copy the address of its page.")))
        else:
            products.add(product.id)
    if sku:
        merchants = {one.id: one for one in await desk.shop.catalog.merchants()}
        seller = merchants.get(merchant) if merchant else None
        found = await desk.shop.catalog.find(seller.slug, sku) if seller else None
        if found is None:
            form.wrong(
                "sku", desk.say(say_later("Choose the merchant, and write the SKU as it stands in their goods."))
            )
        else:
            variants.add(found)
    return Goods(frozenset(products), frozenset(variants))


def read_offer(desk: Desk, form: Form, id: UUID, goods: Goods) -> Offer | None:
    """The offer that the form describes; None, with the errors noted, if it cannot be one."""
    name = {language: text for language in LANGUAGES if (text := form.get(f"name_{language}"))}
    if "en" not in name:
        form.wrong("name_en", desk.say(say_later("Give the offer a name in English.")))
    effect = _effect(desk, form)
    starts_at, ends_at = _instant(desk, form, "starts_at"), _instant(desk, form, "ends_at")
    if ends_at is not None and ends_at <= desk.now:
        form.wrong("ends_at", desk.say(say_later("The end lies in the past.")))
    condition = msgspec.structs.replace(_condition(desk, form), products=goods.products, variants=goods.variants)
    max_uses = _whole(desk, form, "max_uses")
    cap = BuyerCap(_whole(desk, form, "buyer_uses"), _whole(desk, form, "buyer_units"))
    currency = form.get("currency", "EUR")
    budget = _money(desk, form, "budget", currency)
    funder = _merchant(desk, form, "funder")
    if form.errors or starts_at is None or ends_at is None:
        return None
    return Offer(
        id=id,
        revision=1,
        name=name,
        effect=effect,
        starts_at=starts_at,
        ends_at=ends_at,
        condition=condition,
        funder=funder,
        code=form.get("code") or None,
        max_uses=max_uses,
        per_buyer=None if cap == BuyerCap() else cap,
        budget={currency: budget} if budget else {},
    )


def note_refusal(desk: Desk, form: Form, problem: Problem) -> None:
    """Show what promotions refused beside the field that it is about."""
    match problem:
        case OfferRefused():
            for flaw in problem.fields.get("flaws", ()):
                form.wrong(_place(str(flaw["field"])), desk.say(str(flaw["detail"])))
        case CodeTaken():
            form.wrong("code", desk.say(problem.detail))
        case UsesTaken():
            form.wrong(problem.field or "max_uses", desk.say(problem.detail))
        case _:
            form.wrong("name_en", desk.say(problem.detail))


def _place(field: str) -> str:
    """The form's field for a flaw's."""
    field = field.split("[", maxsplit=1)[0]
    return FIELDS.get(field) or FIELDS.get(field.rpartition(".")[0], "name_en")


def _effect(desk: Desk, form: Form) -> Effect:
    match form.get("effect"):
        case "percent":
            text = form.get("percent").replace(",", ".")
            whole, _, decimals = text.partition(".")
            if _are_digits(whole, 3) and (not decimals or _are_digits(decimals, 2)):
                return PercentOff(int(whole) * 100 + int(f"{decimals:0<2}"))
            form.wrong("percent", desk.say(say_later("Write a percentage such as 15 or 12.5.")))
        case "amount":
            currency = form.get("currency", "EUR")
            amount = _money(desk, form, "amount", currency)
            if amount:
                return AmountOff({currency: amount})
            form.wrong("amount", desk.say(say_later("Write an amount such as 5.00.")))
        case "free_shipping":
            return FreeShipping()
        case "limit":
            units = _whole(desk, form, "limit")
            if units:
                return PurchaseLimit(units)
            form.wrong("limit", desk.say(say_later("Write how many units one buyer may have, such as 2.")))
        case _:
            form.wrong("effect", desk.say(say_later("Choose what the offer gives.")))
    return NOTHING


def _are_digits(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most


def _money(desk: Desk, form: Form, name: str, currency: str) -> int:
    text = form.get(name)
    if not text:
        return 0
    plain = text.replace(",", ".")
    try:
        if len(plain.partition(".")[2]) <= minor_digits(currency):  # else 1,000 would be one
            return parse_amount(plain, currency, field=name)
    except InvalidInput:
        pass
    form.wrong(name, desk.say(NO_AMOUNT))
    return 0


def _instant(desk: Desk, form: Form, name: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(form.get(name))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        form.wrong(name, desk.say(say_later("Give day and time.")))
        return None


def _condition(desk: Desk, form: Form) -> Condition:
    merchant = _merchant(desk, form, "merchant")
    category = form.get("category")
    currency = form.get("currency", "EUR")
    minimum = _money(desk, form, "minimum", currency)
    return Condition(
        merchants=frozenset({merchant}) if merchant else frozenset(),
        categories=frozenset({category}) if category else frozenset(),
        at_least={currency: minimum} if minimum else {},
    )


def _merchant(desk: Desk, form: Form, name: str) -> UUID | None:
    text = form.get(name)
    if not text:
        return None
    try:
        return decode("mer", text)
    except InvalidInput:
        form.wrong(name, desk.say(say_later("Choose one of the list.")))
        return None


def _whole(desk: Desk, form: Form, name: str) -> int | None:
    """A whole number over zero, None where the field is empty."""
    text = form.get(name)
    if not text:
        return None
    if _are_digits(text, 11) and 0 < int(text) <= MAX_STOCK:
        return int(text)
    form.wrong(name, desk.say(say_later("Write a whole number such as 100, or leave it empty.")))
    return None
