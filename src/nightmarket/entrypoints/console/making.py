"""What a merchant's people make for their own goods and the market's people for all, by the same forms."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract import Card, Product
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.access import Scope

from .desk import Desk

PRODUCTS_SHOWN = 200
"""Goods that a form has to choose from; others are named by the address of their page."""

NO_PRODUCT = say_later("There is no product with this address.")
NOT_YOURS = say_later("Choose one of your own goods.")


def may_make(desk: Desk) -> bool:
    """Whether this person may send the forms."""
    return desk.may(Scope.OFFERS_WRITE) or (desk.may(Scope.SELLING) and desk.merchant is not None)


def base_of(desk: Desk, market: str, selling: str) -> str:
    """Where this person's forms are: those of a merchant's people stand under another permission."""
    return market if desk.may(Scope.OFFERS_WRITE) else selling


def require_own(desk: Desk, merchant: UUID | None) -> None:
    """Raise NotFound for a thing of `merchant` that this person may not see: another merchant's."""
    if desk.merchant is not None and merchant != desk.merchant:
        raise NotFound("There is nothing with that id.", field="id")


async def product_of(desk: Desk, form: Form) -> Product | None:
    """The product that the form names by the address of its page; None, with the error noted, where there is none or
    it is another merchant's."""
    slug = form.get("product").rpartition("/")[2]
    found = await desk.shop.catalog.product(slug) if slug else None
    if found is None:
        form.wrong("product", desk.say(NO_PRODUCT))
    elif desk.merchant is not None and found.merchant.id != desk.merchant:
        form.wrong("product", desk.say(NOT_YOURS))
        return None
    return found


async def goods_of(desk: Desk) -> Sequence[Card]:
    """What the form has to choose from."""
    return await desk.shop.catalog.cards(merchant=desk.merchant, limit=PRODUCTS_SHOWN)
