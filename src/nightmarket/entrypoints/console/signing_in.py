"""Signing in and out."""

from datetime import timedelta
from typing import Final

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.demonstration import DemoAccount, demo_accounts
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import (
    Account,
    AccountSuspended,
    Role,
    Scope,
    TooManyAttempts,
    WrongCredentials,
    actor_of,
)
from nightmarket.platform.access.accounts import STAFF_SESSION
from nightmarket.platform.deeds import Acted
from nightmarket.platform.http import address_key, marks_of, safe_next

from .desk import Desk

HOME: Final = "/console"
WRONG = say_later("E-mail and password do not fit together. Check both and try again.")
SUSPENDED = say_later("This account is suspended. Ask an operator to open it again.")
TOO_MANY = say_later("Too many tries. Wait %(minutes)s minutes and try again.")
NO_CONSOLE = say_later("This account is for shopping; the console is for people who run the market.")
LIFE: timedelta = STAFF_SESSION


async def show(desk: Desk) -> ASGIResponse:
    """The form; those who are signed in go on."""
    to = safe_next(desk.query("next"), HOME)
    if desk.actor.may(Scope.CONSOLE) and desk.visit.caller.binding:
        return desk.redirect(to)
    return desk.page("login.html", form=Form(), to=to, demo=_staff(desk))


async def sign_in(desk: Desk) -> ASGIResponse:
    """Begin a session under a new token and go to the page that was asked for."""
    form = await desk.form()
    to = safe_next(form.get("next"), HOME)
    if not form.get("email"):
        form.wrong("email", desk.say(say_later("Enter your e-mail address.")))
    if not form.values.get("password"):
        form.wrong("password", desk.say(say_later("Enter your password.")))
    if form.errors:
        return _again(desk, form, to, 422)
    cookies, accounts = desk.site.cookies, desk.shop.access.accounts
    old = desk.visit.cookies.get(cookies.session_name)
    address = address_key(marks_of(desk.request.scope).address)
    try:
        login = await accounts.login(form.get("email"), form.values["password"], address=address, replaces=old)
    except (WrongCredentials, AccountSuspended, TooManyAttempts) as problem:
        form.wrong("email", _words(desk, problem))
        return _again(desk, form, to, problem.status)
    if not actor_of(login.account).may(Scope.CONSOLE):
        await accounts.logout(login.token)
        form.wrong("email", desk.say(NO_CONSOLE))
        return _again(desk, form, to, 403)
    await _record(desk, login.account)
    desk.visit.owed.append(cookies.keep(cookies.session_name, login.token, LIFE))
    return desk.redirect(to)


async def sign_out(desk: Desk) -> ASGIResponse:
    """End the session."""
    await desk.form()
    cookies = desk.site.cookies
    token = desk.visit.cookies.get(cookies.session_name)
    if token:
        await desk.shop.access.accounts.logout(token)
    desk.visit.owed.append(cookies.drop(cookies.session_name))
    return desk.redirect("/console/login?done=signed-out")


def _words(desk: Desk, problem: Problem) -> str:
    match problem:
        case AccountSuspended():
            return desk.say(SUSPENDED)
        case TooManyAttempts():
            seconds = int(problem.fields.get("retry_after_seconds", 60))
            return desk.say(TOO_MANY, minutes=-(-seconds // 60))
        case _:
            return desk.say(WRONG)


def _again(desk: Desk, form: Form, to: str, status: int) -> ASGIResponse:
    form.values.pop("password", None)
    return desk.page("login.html", status=status, form=form, to=to, demo=_staff(desk))


async def _record(desk: Desk, account: Account) -> None:
    async with desk.shop.database.transaction() as tx:
        deed = Acted(account.id, account.name, "console.sign_in", account.role.value)
        await desk.shop.facts.append(tx, [deed], desk.now)


def _staff(desk: Desk) -> list[DemoAccount]:
    """The demo's accounts that may come in here."""
    return [account for account in demo_accounts(desk.shop.settings) if account.role != Role.SHOPPER.value]
