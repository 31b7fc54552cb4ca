"""What selling here means, and the application for it: a merchant in state `applied` and an account bound to it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Application, MerchantProfile
from nightmarket.catalog.errors import EntryRefused
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import (
    Account,
    AccountSuspended,
    EmailTaken,
    NewAccount,
    Role,
    WrongCredentials,
    normal_email,
)
from nightmarket.platform.access.accounts import STAFF_SESSION
from nightmarket.platform.database import Connection
from nightmarket.platform.deeds import Acted
from nightmarket.platform.http import address_key, marks_of

from .application import FIELDS, TERMS_ON, TERMS_VERSION, check, note_refusal, slugs_of

APPLICATIONS_PER_ADDRESS = 10
"""Applications from one network address within APPLICATION_WINDOW, well or badly typed ones that got past the form."""

APPLICATION_WINDOW = timedelta(hours=1)
WELCOME = "/console/selling?done=applied"
NOBODY = UUID(int=0)
"""Stands for the merchant until it is made."""


@get("/sell", include_in_schema=False)
async def sell(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What it means to sell here."""
    return await _page(store, await store.site.visit(request.scope), "sell.html")


@get("/sell/terms", include_in_schema=False)
async def terms(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """The market's terms for merchants."""
    visit = await store.site.visit(request.scope)
    version, date = _version(visit)
    return await _page(store, visit, "terms.html", version=version, date=date)


@get("/sell/apply", include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """The empty form."""
    visit = await store.site.visit(request.scope)
    return await _show(store, visit, Form({"country": visit.country}))


@post("/sell/apply", include_in_schema=False)
async def apply(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Take the application in and let the applicant into the console."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    check(form, visit)
    if form.errors:
        return await _show(store, visit, form, 422)
    address = address_key(marks_of(request.scope).address)
    await store.shop.access.allowances.take(
        f"merchant-application:{address}", APPLICATIONS_PER_ADDRESS, APPLICATION_WINDOW
    )
    try:
        token = await _apply(store, visit, form)
    except EmailTaken as problem:
        token = await _applied_before(store, visit, form, address)
        if not token:
            note_refusal(form, problem, visit)
            return await _show(store, visit, form, problem.status)
    except Problem as problem:
        note_refusal(form, problem, visit)
        return await _show(store, visit, form, problem.status)
    cookies = store.site.cookies
    visit.owed.append(cookies.keep(cookies.session_name, token, STAFF_SESSION))
    return store.site.redirect(visit, WELCOME)


async def _apply(store: Storefront, visit: Visit, form: Form) -> str:
    """Merchant, application, account and session in one transaction. Returns the session's token."""
    accounts = store.shop.access.accounts
    email = normal_email(form.get("email"))
    wanted = NewAccount(email, form.get("contact"), Role.MERCHANT, form.values["password"], NOBODY)
    [(account, hashed)] = await accounts.prepare([wanted])
    refused: EntryRefused | None = None
    for slug in slugs_of(form.get("company"), store.shop.ids):
        profile = MerchantProfile(slug=slug, name=form.get("company"), email=email, country=form.get("country"))
        try:
            async with store.shop.database.transaction() as tx:
                return await _take_in(store, tx, profile, (account, hashed), _Said(visit, form))
        except EntryRefused as problem:
            if problem.field != "slug":
                raise
            refused = problem
    assert refused is not None, "there is always a slug to try"
    raise refused


class _Said(NamedTuple):
    """Who applies, and what was typed."""

    visit: Visit
    form: Form


async def _take_in(
    store: Storefront, tx: Connection, profile: MerchantProfile, made: tuple[Account, str], said: _Said
) -> str:
    shop, (account, hashed), (visit, form) = store.shop, made, said
    now = shop.clock.now()
    merchant = await shop.editor.apply(tx, profile)
    account = msgspec.structs.replace(account, merchant_id=merchant.id)
    await shop.access.accounts.add(tx, [(account, hashed)])
    application = Application(
        merchant=merchant.id,
        contact=form.get("contact"),
        sells=form.get("sells").replace("\r\n", "\n"),
        language=visit.language,
        terms_version=TERMS_VERSION,
        terms_accepted_at=now,
    )
    await shop.applications.keep(tx, application)
    old = visit.cookies.get(store.site.cookies.session_name)
    login = await shop.access.accounts.begin_session(tx, account, replaces=old)
    deed = Acted(account.id, account.name, "merchants.apply", encode("mer", merchant.id), merchant.name)
    await shop.facts.append(tx, [deed], now)
    return login.token


async def _applied_before(store: Storefront, visit: Visit, form: Form, address: str) -> str:
    """The form was sent twice: who knows the password of the merchant's account that it made comes in. Else an empty
    text."""
    old = visit.cookies.get(store.site.cookies.session_name)
    try:
        login = await store.shop.access.accounts.login(
            form.get("email"), form.values["password"], address=address, replaces=old
        )
    except (WrongCredentials, AccountSuspended):
        return ""
    if login.account.role is Role.MERCHANT:
        return login.token
    await store.shop.access.accounts.logout(login.token)
    return ""


async def _show(store: Storefront, visit: Visit, form: Form, status: int = 200) -> ASGIResponse:
    form.values.pop("password", None)
    form.sort_errors(FIELDS)
    version, date = _version(visit)
    return await _page(store, visit, "apply.html", status=status, form=form, version=version, date=date)


def _version(visit: Visit) -> tuple[str, str]:
    """Version and date of the terms in words."""
    return TERMS_VERSION, visit.formats.date(datetime.combine(TERMS_ON, time(), UTC))


async def _page(store: Storefront, visit: Visit, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
    return store.site.page(
        visit,
        f"merchants/{template}",
        status=status,
        directory=await store.directory(),
        cart_units=store.carts.units(visit),
        demo=store.shop.settings.demo,
        **words,
    )


ROUTES = (sell, terms, show, apply)
