"""What an account fills in at the checkout, and what it keeps from there."""

from typing import Any
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.engagement.contract.profiles import AddressInput
from nightmarket.engagement.errors import TooManyAddresses
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput

ADDRESS_FIELDS = ("first_name", "last_name", "country", "street", "extended", "postal_code", "city", "region", "phone")


class SavedAddress(msgspec.Struct, frozen=True):
    """One to choose: its outside id, and what it says on a button."""

    id: str
    short: str
    words: AddressInput


class Saved(msgspec.Struct, frozen=True):
    """What is known of the one who buys. Of a guest, nothing."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    addresses: tuple[SavedAddress, ...] = ()

    def prefill(self, form: Form) -> None:
        """Fill in what is still empty: contact, and the default address where none was typed."""
        values = {"email": self.email, "first_name": self.first_name, "last_name": self.last_name}
        if self.addresses and not form.get("street"):
            values |= _fields(self.addresses[0].words)
            form.values["country"] = self.addresses[0].words.country
        for name, value in values.items():
            if not form.get(name):
                form.values[name] = value

    def use(self, form: Form, chosen: str) -> None:
        """Put the address with that id into the form; all else that was typed stays."""
        for one in self.addresses:
            if one.id == chosen:
                form.values |= _fields(one.words)


def _fields(words: AddressInput) -> dict[str, str]:
    return {name: getattr(words, name) for name in ADDRESS_FIELDS}


async def saved(shop: Shop, visit: Visit) -> Saved:
    """What the account keeps, if one is signed in."""
    if visit.account is None:
        return Saved()
    account = await shop.access.shoppers.account(visit.account)
    async with shop.database.read() as connection:
        found = await shop.profiles.addresses(connection, account.id)
    first, _, last = account.name.rpartition(" ")
    return Saved(
        account.email,
        first,
        last,
        tuple(SavedAddress(encode("adr", one.id), _short(one.words), one.words) for one in found),
    )


def _short(words: AddressInput) -> str:
    return ", ".join(part for part in (f"{words.first_name} {words.last_name}", words.street, words.city) if part)


async def keep_address(shop: Shop, account: UUID, form: Form) -> None:
    """Keep the address of a checkout, as its buyer asked for. One too many, or one that does not fit, is left out: an
    order never fails for it."""
    wanted: dict[str, Any] = {name: form.get(name) for name in ADDRESS_FIELDS}
    try:
        async with shop.database.transaction() as tx:
            await shop.profiles.add_address(tx, account, AddressInput(**wanted), default=False)
    except (InvalidInput, TooManyAddresses):
        return
