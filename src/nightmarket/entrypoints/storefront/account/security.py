"""Name, e-mail, password, and where one is signed in."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import TooManyAttempts, WeakPassword, WrongCredentials

from .desk import AccountDesk
from .entering import browser, enter
from .words import note


async def show(desk: AccountDesk) -> ASGIResponse:
    """All of it on one page."""
    return await _page(desk, Form())


async def _page(desk: AccountDesk, form: Form, status: int = 200, about: str = "") -> ASGIResponse:
    """`about` says which of the forms was sent."""
    account = await desk.account()
    shoppers = desk.shop.access.shoppers
    for name in ("password", "new_password", "email_password"):
        form.values.pop(name, None)
    return await desk.page(
        "security.html",
        status=status,
        account=account,
        confirmed=await shoppers.confirmed_at(desk.id),
        sessions=[(encode("ses", one.id), one) for one in await shoppers.sessions(desk.id, desk.session_token)],
        form=form,
        empty=Form({"name": account.name}),
        about=about,
    )


async def _refused(desk: AccountDesk, form: Form, problem: Problem, about: str, field: str) -> ASGIResponse:
    note(form, problem, desk.visit, field=field)
    return await _page(desk, form, 422, about)


async def set_name(desk: AccountDesk) -> ASGIResponse:
    """Another name."""
    form = await desk.form()
    try:
        async with desk.shop.database.transaction() as tx:
            await desk.shop.access.shoppers.set_name(tx, desk.id, form.get("name"))
    except InvalidInput as problem:
        return await _refused(desk, form, problem, "name", "name")
    return desk.redirect("/account/security?done=name")


async def set_email(desk: AccountDesk) -> ASGIResponse:
    """Ask the new address first; the old one stays until then."""
    form = await desk.form()
    shoppers = desk.shop.access.shoppers
    try:
        account = await shoppers.prove(desk.id, form.values.get("email_password", ""))
        await shoppers.ask_change(account, form.get("email"), desk.address, desk.letters)
    except (WrongCredentials, TooManyAttempts) as problem:
        return await _refused(desk, form, problem, "email", "email_password")
    except InvalidInput as problem:
        return await _refused(desk, form, problem, "email", "email")
    return desk.redirect("/account/security?done=ask-email")


async def ask_confirm(desk: AccountDesk) -> ASGIResponse:
    """Send a link that confirms the address that the account has."""
    await desk.form()
    await desk.shop.access.shoppers.ask_confirm(await desk.account(), desk.letters)
    return desk.redirect("/account/security?done=confirm")


async def set_password(desk: AccountDesk) -> ASGIResponse:
    """A new password: all sessions end, and one begins here."""
    form = await desk.form()
    shoppers = desk.shop.access.shoppers
    try:
        account = await shoppers.prove(desk.id, form.values.get("password", ""))
        hashed = await shoppers.hashed(account.email, form.values.get("new_password", ""), field="new_password")
    except (WrongCredentials, TooManyAttempts) as problem:
        return await _refused(desk, form, problem, "password", "password")
    except WeakPassword as problem:
        return await _refused(desk, form, problem, "password", "new_password")
    async with desk.shop.database.transaction() as tx:
        await shoppers.set_password(tx, account, hashed, desk.letters)
        login = await desk.shop.access.accounts.begin_session(tx, account, None, browser(desk))
    await enter(desk, login)
    return desk.redirect("/account/security?done=password")


async def end_session(desk: AccountDesk) -> ASGIResponse:
    """Sign one device out. Raises NotFound for a session of somebody else."""
    await desk.form()
    await desk.shop.access.shoppers.end_session(desk.id, desk.part_id("ses"))
    return desk.redirect("/account/security?done=session")


async def end_others(desk: AccountDesk) -> ASGIResponse:
    """Sign all other devices out."""
    await desk.form()
    await desk.shop.access.shoppers.end_all(desk.id, but=desk.session_token)
    return desk.redirect("/account/security?done=sessions")
