"""The flower shop that UCP's public conformance suite asks for, read from its files."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import AmountOff, Condition, FreeShipping, Offer, PercentOff

FOLDER = Path(__file__).parent / "flower_shop"
SLUG = "flower-shop"
CURRENCY = "USD"
LASTS = timedelta(days=3_650)
FREE_DELIVERY = "free-delivery"
"""Of the offers with this word one applies at most, so that an express delivery is not paid by two."""


class _Code(msgspec.Struct):
    code: str
    names: dict[str, str]
    basis_points: int | None = None
    amount: int = 0


class _Free(msgspec.Struct):
    id: str
    names: dict[str, str]
    at_least: int = 0
    sku: str | None = None


class _Offers(msgspec.Struct):
    codes: list[_Code]
    free_delivery: list[_Free]
    free_delivery_up_to: int


class Address(msgspec.Struct, frozen=True):
    """An address of a customer, with the id that the suite knows it by."""

    id: str
    country: str
    street: str
    city: str
    region: str
    postal_code: str


class Customer(msgspec.Struct, frozen=True):
    """A customer whom the shop knows by e-mail."""

    email: str
    addresses: tuple[Address, ...]


def customers() -> list[Customer]:
    """Who has bought here before."""
    return msgspec.json.decode((FOLDER / "customers.json").read_bytes(), type=list[Customer])


def offers(begins: datetime) -> list[Offer]:
    """The codes, and what makes a delivery free; all live from that instant on."""
    found = msgspec.json.decode((FOLDER / "offers.json").read_bytes(), type=_Offers)
    ends = begins + LASTS
    coded = [
        Offer(
            derive("flower-offer", one.code),
            1,
            one.names,
            AmountOff({CURRENCY: one.amount}) if one.basis_points is None else PercentOff(one.basis_points),
            begins,
            ends,
            code=one.code,
        )
        for one in found.codes
    ]
    up_to = FreeShipping({CURRENCY: found.free_delivery_up_to})
    return coded + [
        Offer(derive("flower-offer", one.id), 1, one.names, up_to, begins, ends, _free(one), exclusive=FREE_DELIVERY)
        for one in found.free_delivery
    ]


def _free(one: _Free) -> Condition:
    variants = frozenset({derive("variant", SLUG, one.sku)}) if one.sku else frozenset[object]()
    at_least = {CURRENCY: one.at_least} if one.at_least else {}
    return Condition(variants=variants, at_least=at_least)  # pyright: ignore[reportArgumentType]
