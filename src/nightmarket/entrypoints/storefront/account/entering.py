"""Signing up, in and out. No page here says whether an address is known."""

from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.visits import LANGUAGE_COOKIE
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.orders import COOKIE as ORDERS_COOKIE
from nightmarket.entrypoints.storefront.storefront import id_of
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.orders.errors import SessionNotFound
from nightmarket.platform.access import (
    AccountSuspended,
    EmailTaken,
    Login,
    Role,
    SignUp,
    TooManyAttempts,
    WeakPassword,
    WrongCredentials,
)
from nightmarket.platform.access.accounts import SHOPPER_SESSION
from nightmarket.platform.http import header, safe_next
from nightmarket.platform.http.cookies import GUEST_LIFE

from .browsers import in_short
from .desk import AccountDesk
from .words import note

HOME = "/account"
WRONG = say_later(
    "E-mail and password do not fit together. Check both. If you signed up a moment ago, follow the link in our mail "
    "first."
)
SUSPENDED = say_later("This account is closed for now. Write to us to open it again.")
FOR_STAFF = say_later("This account is for running the market. Sign in with it at the console.")
TAKEN = say_later("There is an account with this address by now. Sign in instead.")


async def enter(desk: AccountDesk, login: Login) -> None:
    """Let the browser in under a token never used before; its cart becomes the account's."""
    cookies, visit = desk.store.site.cookies, desk.visit
    visit.owed.append(cookies.keep(cookies.session_name, login.token, SHOPPER_SESSION))
    await desk.store.carts.move_in(visit, login.account.id)
    if visit.caller.guest_id is not None:
        async with desk.shop.database.transaction() as tx:
            await desk.shop.wishes.move(tx, visit.caller.guest_id, login.account.id)
    if LANGUAGE_COOKIE not in visit.cookies:
        async with desk.shop.database.read() as connection:
            profile = (await desk.shop.profiles.of(connection, [login.account.id])).get(login.account.id)
        if profile is not None:
            desk.store.site.keep_choice(visit, LANGUAGE_COOKIE, profile.language)


def browser(desk: AccountDesk) -> str:
    """The visitor's browser in short, for the list of sessions."""
    return in_short(header(desk.request.scope, b"user-agent"))


async def show_sign_in(desk: AccountDesk) -> ASGIResponse:
    """The form; those who are signed in go on."""
    to = safe_next(desk.query("next"), HOME)
    if desk.visit.account is not None:
        return desk.redirect(to)
    return await desk.page("sign_in.html", form=Form(), to=to)


async def sign_in(desk: AccountDesk) -> ASGIResponse:
    """Begin a session under a new token, take the guest's cart along, and go to the page that was asked for."""
    form = await desk.form()
    to = safe_next(form.get("next"), HOME)
    if not form.get("email"):
        form.wrong("email", desk.say("Enter your e-mail address."))
    if not form.values.get("password"):
        form.wrong("password", desk.say("Enter your password."))
    if form.errors:
        return await _sign_in_again(desk, form, to, 422)
    accounts = desk.shop.access.accounts
    try:
        login = await accounts.login(
            form.get("email"),
            form.values["password"],
            address=desk.address,
            replaces=desk.session_token or None,
            agent=browser(desk),
        )
    except WrongCredentials as problem:
        form.wrong("email", desk.say(WRONG))
        return await _sign_in_again(desk, form, to, problem.status)
    except AccountSuspended as problem:
        form.wrong("email", desk.say(SUSPENDED))
        return await _sign_in_again(desk, form, to, problem.status)
    except TooManyAttempts as problem:
        note(form, problem, desk.visit, field="email")
        return await _sign_in_again(desk, form, to, problem.status)
    if login.account.role is not Role.SHOPPER:
        await accounts.logout(login.token)
        form.wrong("email", desk.say(FOR_STAFF))
        return await _sign_in_again(desk, form, to, 403)
    await enter(desk, login)
    return desk.redirect(to)


async def _sign_in_again(desk: AccountDesk, form: Form, to: str, status: int) -> ASGIResponse:
    form.values.pop("password", None)
    return await desk.page("sign_in.html", status=status, form=form, to=to)


async def sign_out(desk: AccountDesk) -> ASGIResponse:
    """End this session; the browser goes on as somebody new."""
    await desk.form()
    if desk.session_token:
        await desk.shop.access.accounts.logout(desk.session_token)
    leave_browser(desk)
    return desk.redirect("/account/sign-in?done=signed-out")


async def sign_out_everywhere(desk: AccountDesk) -> ASGIResponse:
    """End every session of the account, this one too."""
    await desk.form()
    await desk.shop.access.shoppers.end_all(desk.id)
    leave_browser(desk)
    return desk.redirect("/account/sign-in?done=signed-out-everywhere")


def leave_browser(desk: AccountDesk) -> None:
    """Nothing of the account stays in the browser: no session, no cart, no list of orders, another guest."""
    cookies, visit = desk.store.site.cookies, desk.visit
    visit.owed.append(cookies.drop(cookies.session_name))
    desk.store.carts.leave(visit)
    visit.owed.append(cookies.drop(ORDERS_COOKIE))
    visit.owed.append(cookies.drop(desk.shop.identities.cookie))
    _, token = desk.shop.access.guests.fresh()
    visit.owed.append(cookies.keep(cookies.guest_name, token, GUEST_LIFE))


async def show_sign_up(desk: AccountDesk) -> ASGIResponse:
    """The form; from an order of this browser, with what was typed there."""
    if desk.visit.account is not None:
        return desk.redirect(HOME)
    form = Form()
    order = desk.query("order")
    if order:
        await _from_order(desk, form, id_of("ord", order))
    return await desk.page("sign_up.html", form=form)


async def _from_order(desk: AccountDesk, form: Form, order: UUID) -> None:
    try:
        found = await desk.shop.orders.order(desk.visit.owner, order)
    except SessionNotFound:
        raise NotFound("There is nothing at this address.") from None
    contact = found.rows[0].body.contact
    form.values |= {"email": contact.email, "name": f"{contact.first_name} {contact.last_name}".strip()}


async def sign_up(desk: AccountDesk) -> ASGIResponse:
    """Send the link that makes the account, and say the same whether there was one before or not."""
    form = await desk.form()
    wanted = SignUp(
        email=form.get("email"),
        name=form.get("name"),
        password=form.values.get("password", ""),
        language=desk.visit.language,
        guest=desk.visit.caller.guest_id,
    )
    try:
        await desk.shop.access.shoppers.sign_up(wanted, desk.address, desk.letters)
    except (InvalidInput, WeakPassword, TooManyAttempts) as problem:
        note(form, problem, desk.visit, field="email")
        form.values.pop("password", None)
        form.sort_errors(("name", "email", "password"))
        return await desk.page("sign_up.html", status=422, form=form)
    return desk.redirect("/account/sign-up/sent")


async def show_sign_up_sent(desk: AccountDesk) -> ASGIResponse:
    """Where to look for the link. To get another, sign up again."""
    return await desk.page("sent.html", about="sign-up")


async def show_sign_up_confirm(desk: AccountDesk) -> ASGIResponse:
    """What the link does; it is done by a button, since programs open links in mails too. Raises LinkSpent."""
    key = desk.query("key")
    proof, waiting = await desk.shop.access.shoppers.waiting(key)
    same = waiting.guest is not None and waiting.guest == desk.visit.caller.guest_id
    return await desk.page("sign_up_confirm.html", form=Form(), email=proof.email, key=key, same=same)


async def sign_up_confirm(desk: AccountDesk) -> ASGIResponse:
    """Make the account and sign in. Raises LinkSpent."""
    form = await desk.form()
    key, shoppers = form.get("key"), desk.shop.access.shoppers
    proof, _ = await shoppers.waiting(key)
    try:
        waiting = await shoppers.admit(key, desk.visit.caller.guest_id, form.values.get("password", ""))
    except (WrongCredentials, TooManyAttempts) as problem:
        note(form, problem, desk.visit, field="password")
        form.values.pop("password", None)
        return await desk.page(
            "sign_up_confirm.html", status=problem.status, form=form, email=proof.email, key=key, same=False
        )
    try:
        async with desk.shop.database.transaction() as tx:
            account, _ = await shoppers.open_account(tx, key)
            await desk.shop.profiles.begin(tx, account.id, waiting.language)
            login = await desk.shop.access.accounts.begin_session(
                tx, account, desk.session_token or None, browser(desk)
            )
    except EmailTaken:
        again = Form(errors={"email": desk.say(TAKEN)})
        return await desk.page("sign_in.html", status=409, form=again, to=HOME)
    await enter(desk, login)
    return desk.redirect("/account?done=welcome")
