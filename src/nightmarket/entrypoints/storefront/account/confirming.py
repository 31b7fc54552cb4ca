"""Guests confirm an e-mail address or telephone number with a code; where they came from goes on from there."""

from urllib.parse import urlencode
from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.codes import CodeWords
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import CodeSpent, TooManyAttempts, WrongCode
from nightmarket.platform.access.identities import CODE_DIGITS, IDENTITY_LIFE
from nightmarket.platform.http import safe_next

from .desk import AccountDesk
from .words import note

PATH, CODE_PATH = "/confirm", "/confirm/code"

ADDRESS_REFUSED = say_later(
    "Write an e-mail address like name@example.org, or a telephone number like +49 151 23456789."
)
WRONG_CODE = say_later("That is not the code. Look at its digits once more; %(tries)s tries are left.")
SPENT = say_later("This code has been used, tried too often, or is too old. We can send a new one.")


async def show(desk: AccountDesk) -> ASGIResponse:
    """Ask for the address, or say which one is confirmed."""
    form = Form({"address": desk.query("address")})
    return await _ask(desk, form, safe_next(desk.query("next"), PATH))


async def ask(desk: AccountDesk) -> ASGIResponse:
    """Send the code."""
    form = await desk.form()
    to = safe_next(form.get("next"), PATH)
    letters = CodeWords(desk.store.site, desk.visit.language, to)
    try:
        asked = await desk.shop.identities.ask(form.get("address"), desk.address, letters)
    except InvalidInput:
        form.wrong("address", desk.say(ADDRESS_REFUSED))
        return await _ask(desk, form, to, 422)
    except TooManyAttempts as problem:
        note(form, problem, desk.visit, field="address")
        return await _ask(desk, form, to, problem.status)
    return desk.redirect(f"{CODE_PATH}?{urlencode({'asked': encode('cnf', asked), 'next': to})}")


async def show_code(desk: AccountDesk) -> ASGIResponse:
    """Ask for the code; the link in a mail has it filled in, and a button confirms, since programs open links too."""
    asked = id_of("cnf", desk.query("asked"))
    form = Form({"code": desk.query("code")[:CODE_DIGITS]})
    return await _ask_code(desk, form, asked, safe_next(desk.query("next"), PATH))


async def confirm(desk: AccountDesk) -> ASGIResponse:
    """Check the code; a right one earns the cookie."""
    form = await desk.form()
    asked, to = id_of("cnf", form.get("asked")), safe_next(form.get("next"), PATH)
    identities = desk.shop.identities
    try:
        identity = await identities.confirm(asked, form.get("code"), desk.address)
    except WrongCode as problem:
        form.wrong("code", desk.say(WRONG_CODE, tries=problem.fields["tries_left"]))
        form.values.pop("code", None)
        return await _ask_code(desk, form, asked, to, problem.status)
    except TooManyAttempts as problem:
        note(form, problem, desk.visit, field="code")
        return await _ask_code(desk, form, asked, to, problem.status)
    except CodeSpent as problem:
        return await _spent(desk, to, problem.status)
    async with desk.shop.database.transaction() as tx:
        await desk.shop.segments.proven(tx, desk.visit.owner, identity.key)
    desk.visit.owed.append(desk.store.site.cookies.keep(identities.cookie, identities.token(identity), IDENTITY_LIFE))
    return desk.redirect(to)


async def forget(desk: AccountDesk) -> ASGIResponse:
    """Take the confirmation out of this browser; what was bought with it stays counted."""
    form = await desk.form()
    desk.visit.owed.append(desk.store.site.cookies.drop(desk.shop.identities.cookie))
    return desk.redirect(safe_next(form.get("next"), PATH))


async def _ask(desk: AccountDesk, form: Form, to: str, status: int = 200) -> ASGIResponse:
    known = desk.shop.identities.read(desk.visit.cookies.get(desk.shop.identities.cookie))
    return await desk.page("confirm.html", status=status, form=form, to=to, known=known)


async def _ask_code(desk: AccountDesk, form: Form, asked: UUID, to: str, status: int = 200) -> ASGIResponse:
    try:
        hint = await desk.shop.identities.look(asked)
    except CodeSpent as problem:
        return await _spent(desk, to, problem.status)
    return await desk.page(
        "confirm_code.html", status=status, form=form, asked=encode("cnf", asked), to=to, hint=hint, digits=CODE_DIGITS
    )


async def _spent(desk: AccountDesk, to: str, status: int) -> ASGIResponse:
    form = Form()
    form.wrong("address", desk.say(SPENT))
    return await _ask(desk, form, to, status)
