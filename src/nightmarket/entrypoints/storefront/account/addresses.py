"""Addresses that are kept, for the checkout to fill in."""

from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.engagement.contract.profiles import MAX_ADDRESSES, AddressInput
from nightmarket.engagement.errors import TooManyAddresses
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.buyers import NEEDED, WITHOUT_POSTAL_CODE
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput

from .desk import AccountDesk
from .words import note

FIELDS = ("first_name", "last_name", "country", "street", "extended", "postal_code", "city", "region", "phone")
FULL = say_later("You keep %(most)s addresses already. Remove one first.")


def typed(form: Form) -> AddressInput:
    """The address as typed."""
    return AddressInput(**{name: form.get(name) for name in FIELDS})


def shown(words: AddressInput) -> dict[str, str]:
    """The fields of a form for an address."""
    return {name: getattr(words, name) for name in FIELDS}


async def show(desk: AccountDesk) -> ASGIResponse:
    """All of them, the default first."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.profiles.addresses(connection, desk.id)
    rows = [(encode("adr", one.id), one) for one in found]
    return await desk.page("addresses.html", rows=rows, full=len(found) >= MAX_ADDRESSES)


async def show_new(desk: AccountDesk) -> ASGIResponse:
    """An empty form."""
    return await desk.page("address.html", form=Form({"country": desk.visit.country}), id="")


async def show_one(desk: AccountDesk) -> ASGIResponse:
    """One to change. Raises AddressNotFound."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.profiles.address(connection, desk.id, desk.part_id("adr"))
    form = Form(shown(found.words) | ({"default": "1"} if found.is_default else {}))
    return await desk.page("address.html", form=form, id=encode("adr", found.id))


async def save_new(desk: AccountDesk) -> ASGIResponse:
    """Keep another address."""
    return await _save(desk, None)


async def save(desk: AccountDesk) -> ASGIResponse:
    """Change one. Raises AddressNotFound."""
    return await _save(desk, desk.part_id("adr"))


async def _save(desk: AccountDesk, id: UUID | None) -> ASGIResponse:
    form, profiles = await desk.form(), desk.shop.profiles
    default = bool(form.get("default"))
    try:
        _check(form, desk.visit)
        if not form.errors:
            async with desk.shop.database.transaction() as tx:
                if id is None:
                    await profiles.add_address(tx, desk.id, typed(form), default=default)
                else:
                    await profiles.change_address(tx, desk.id, id, typed(form))
                    if default:
                        await profiles.make_default(tx, desk.id, id)
            return desk.redirect("/account/addresses?done=address")
    except InvalidInput as problem:
        note(form, problem, desk.visit, field="street")
    except TooManyAddresses:
        form.wrong("street", desk.say(FULL, most=MAX_ADDRESSES))
    form.sort_errors(FIELDS)
    return await desk.page("address.html", status=422, form=form, id=encode("adr", id) if id else "")


def _check(form: Form, visit: Visit) -> None:
    for name, words in NEEDED.items():
        if name != "email" and not form.get(name):
            form.wrong(name, visit.say(words))
    if not form.get("postal_code") and form.get("country").upper() not in WITHOUT_POSTAL_CODE:
        form.wrong("postal_code", visit.say("Enter the postal code."))


async def make_default(desk: AccountDesk) -> ASGIResponse:
    """Fill in this one from now on. Raises AddressNotFound."""
    await desk.form()
    async with desk.shop.database.transaction() as tx:
        await desk.shop.profiles.make_default(tx, desk.id, desk.part_id("adr"))
    return desk.redirect("/account/addresses?done=address")


async def show_remove(desk: AccountDesk) -> ASGIResponse:
    """Ask once. Raises AddressNotFound."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.profiles.address(connection, desk.id, desk.part_id("adr"))
    return await desk.page("address_remove.html", one=found, id=encode("adr", found.id))


async def remove(desk: AccountDesk) -> ASGIResponse:
    """Forget one. Raises AddressNotFound for what was never one's own."""
    await desk.form()
    async with desk.shop.database.transaction() as tx:
        await desk.shop.profiles.address(tx, desk.id, desk.part_id("adr"))
        await desk.shop.profiles.remove_address(tx, desk.id, desk.part_id("adr"))
    return desk.redirect("/account/addresses?done=address-gone")
