"""Which offers a switch takes out of the book: pure."""

from collections.abc import Collection
from uuid import UUID

from nightmarket.promotions.model import Book, Offer
from nightmarket.promotions.model.asking import concerning, with_effect
from nightmarket.promotions.model.switch_keys import BEGUN, BLOCK, BLOCKS, MECHANIC, MECHANICS, MERCHANT


def mechanic_of(offer: Offer) -> str:
    """The stable word of the offer's kind."""
    return str(offer.effect.__struct_config__.tag)


def touches(offer: Offer, off: Collection[str]) -> bool:
    """Whether a switch takes this offer out: its kind, or a merchant who funds it or whom alone it is for."""
    if f"{MECHANIC}{mechanic_of(offer)}" in off:
        return True
    alone = offer.condition.merchants if len(offer.condition.merchants) == 1 else frozenset[UUID]()
    return any(f"{MERCHANT}{merchant}" in off for merchant in {offer.funder, *alone} if merchant)


def touched(book: Book, off: Collection[str]) -> list[Offer]:
    """The offers and limits of the book that the switches take out, in order of id."""
    found: dict[int, Offer] = {}
    for key in off:
        merchant = merchant_of(key)
        if merchant is not None:
            found.update((offer.id.int, offer) for offer in concerning(book, merchant) if touches(offer, (key,)))
        elif key.removeprefix(MECHANIC) in MECHANICS:
            found.update((offer.id.int, offer) for offer in with_effect(book, key.removeprefix(MECHANIC)))
    return [found[number] for number in sorted(found)]


def is_key(key: str) -> bool:
    """Whether there can be such a switch; whether the merchant exists, only the catalogue knows."""
    if key.startswith(MECHANIC):
        return key.removeprefix(MECHANIC) in (*MECHANICS, *BEGUN)
    if key.startswith(BLOCK):
        return key.removeprefix(BLOCK) in BLOCKS
    return merchant_of(key) is not None


def merchant_of(key: str) -> UUID | None:
    """The merchant that a switch turns off."""
    if not key.startswith(MERCHANT):
        return None
    try:
        return UUID(key.removeprefix(MERCHANT))
    except ValueError:
        return None
