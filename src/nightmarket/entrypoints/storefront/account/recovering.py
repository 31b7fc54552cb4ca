"""A forgotten password, and links that confirm an address."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import EmailTaken, Purpose, TooManyAttempts, WeakPassword

from .desk import AccountDesk
from .entering import HOME, TAKEN, browser, enter
from .words import note


async def show_forgotten(desk: AccountDesk) -> ASGIResponse:
    """Ask for the address."""
    return await desk.page("forgotten.html", form=Form())


async def forgotten(desk: AccountDesk) -> ASGIResponse:
    """Send a link, if a shopper has this address; say the same if not."""
    form = await desk.form()
    try:
        await desk.shop.access.shoppers.forgotten(form.get("email"), desk.address, desk.letters)
    except (InvalidInput, TooManyAttempts) as problem:
        note(form, problem, desk.visit, field="email")
        return await desk.page("forgotten.html", status=422, form=form)
    return desk.redirect("/account/forgotten/sent")


async def show_forgotten_sent(desk: AccountDesk) -> ASGIResponse:
    """Where to look for the link."""
    return await desk.page("sent.html", about="forgotten")


async def show_reset(desk: AccountDesk) -> ASGIResponse:
    """Ask for the new password. Raises LinkSpent."""
    key = desk.query("key")
    proof = await desk.shop.access.shoppers.look(key, Purpose.RESET)
    return await desk.page("reset.html", form=Form(), email=proof.email, key=key)


async def reset(desk: AccountDesk) -> ASGIResponse:
    """Set the new password, end all sessions, begin one here. Raises LinkSpent."""
    form = await desk.form()
    key, shoppers = form.get("key"), desk.shop.access.shoppers
    proof = await shoppers.look(key, Purpose.RESET)
    try:
        hashed = await shoppers.hashed(proof.email, form.values.get("password", ""))
    except WeakPassword as problem:
        note(form, problem, desk.visit, field="password")
        form.values.pop("password", None)
        return await desk.page("reset.html", status=422, form=form, email=proof.email, key=key)
    async with desk.shop.database.transaction() as tx:
        account = await shoppers.reset(tx, key, hashed, desk.letters)
        login = await desk.shop.access.accounts.begin_session(tx, account, None, browser(desk))
    await enter(desk, login)
    return desk.redirect("/account?done=password")


async def show_confirm(desk: AccountDesk) -> ASGIResponse:
    """What the link does; a button does it. Raises LinkSpent."""
    return await _show(desk, Purpose.CONFIRM)


async def show_change(desk: AccountDesk) -> ASGIResponse:
    """As `show_confirm`, for a new address."""
    return await _show(desk, Purpose.CHANGE_EMAIL)


async def _show(desk: AccountDesk, purpose: Purpose) -> ASGIResponse:
    key = desk.query("key")
    proof = await desk.shop.access.shoppers.look(key, purpose)
    return await desk.page("email_confirm.html", email=proof.email, key=key, changes=purpose is Purpose.CHANGE_EMAIL)


async def confirm(desk: AccountDesk) -> ASGIResponse:
    """The address is confirmed. Raises LinkSpent."""
    return await _follow(desk, Purpose.CONFIRM)


async def change(desk: AccountDesk) -> ASGIResponse:
    """The new address is the account's. Raises LinkSpent."""
    return await _follow(desk, Purpose.CHANGE_EMAIL)


async def _follow(desk: AccountDesk, purpose: Purpose) -> ASGIResponse:
    form = await desk.form()
    try:
        async with desk.shop.database.transaction() as tx:
            await desk.shop.access.shoppers.confirm(tx, form.get("key"), purpose, desk.letters)
    except EmailTaken:
        again = Form(errors={"email": desk.say(TAKEN)})
        return await desk.page("sign_in.html", status=409, form=again, to=HOME)
    return desk.redirect("/account/security?done=email")
