"""Whose stall these pages are about: that of the merchant's person who opens them, and nobody else's."""

from datetime import timedelta
from uuid import UUID

from nightmarket.catalog.contract import Merchant, MerchantState
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Kind, NotFound, Problem

from .desk import Desk

NO_STALL = say_later("This account belongs to no merchant. Open these pages with a merchant's account.")
NOT_OPEN = say_later("Your stall is not open, so nothing can be put on sale. Save it as a draft.")
NOT_SHOWN = say_later("Your stall is not open, so shoppers see nothing of it. This page opens with it.")

APPLICANTS_UPLOADS = 60
"""Forms with pictures that a stall which is not open sends within UPLOADS_WINDOW: anybody can apply."""

UPLOADS_WINDOW = timedelta(days=1)


class StallNotOpen(Problem):
    """The merchant is not open: its goods can be prepared, not put on sale."""

    code = "stall_not_open"
    kind = Kind.CONFLICT


async def merchant_of(desk: Desk) -> UUID:
    """The merchant of the person who asks. Raises NotFound for people of the market."""
    if desk.merchant is None:
        raise NotFound(NO_STALL)
    return desk.merchant


async def own(desk: Desk) -> Merchant:
    """The merchant itself, read through its own eyes."""
    merchant = await merchant_of(desk)
    async with desk.shop.database.as_merchant(merchant) as connection:
        found = await desk.shop.shelf.merchant(connection, merchant)
    if found is None:
        raise NotFound(NO_STALL)
    return found


async def count_upload(desk: Desk, merchant: Merchant) -> None:
    """Before pictures are kept for a merchant that is not open. Raises TooManyAttempts."""
    if merchant.state is not MerchantState.OPEN:
        key = f"pictures:{merchant.id}"
        await desk.shop.access.allowances.take(key, APPLICANTS_UPLOADS, UPLOADS_WINDOW)


def require_open(merchant: Merchant, words: str = NOT_OPEN) -> None:
    """Raise StallNotOpen unless the merchant may sell."""
    if merchant.state is not MerchantState.OPEN:
        raise StallNotOpen(words)
