"""One account: made, looked at, given another role or a new password."""

from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import MERCHANT_BOUND, Account, NewAccount, Role

from .words import ROLE_HELP, ROLES, STATES, refusal

PATH = "/console/people"
STAFF = tuple(ROLE_HELP)


async def show_new(desk: Desk) -> ASGIResponse:
    """An empty form."""
    return await _new_page(desk, Form({"role": Role.SERVICE.value}))


async def create(desk: Desk) -> ASGIResponse:
    """Make the account."""
    form = await desk.form()
    role = _role(desk, form)
    merchant = await _merchant(desk, form, role)
    if role is None or form.errors:
        return await _new_page(desk, form, 422)
    wanted = NewAccount(form.get("email"), form.get("name"), role, form.values.get("password", ""), merchant)
    try:
        (account,) = await desk.shop.access.accounts.create([wanted])
    except Problem as problem:
        form.wrong(problem.field or "email", refusal(desk, problem))
        return await _new_page(desk, form, problem.status)
    await desk.note("accounts.create", encode("acc", account.id), role.value)
    return desk.redirect(f"{PATH}/{encode('acc', account.id)}?done=account-made")


async def show(desk: Desk) -> ASGIResponse:
    """The account, and what can be done with it."""
    return await _page(desk, Form())


async def change_role(desk: Desk) -> ASGIResponse:
    """Give another role. The person signs in again, with the new one."""
    form, account = await desk.form(), await _account(desk)
    role = _role(desk, form)
    merchant = await _merchant(desk, form, role)
    if account.id == desk.actor.id:
        form.wrong("role", desk.say(say_later("Nobody changes their own role; ask another operator.")))
    if role is None or form.errors:
        return await _page(desk, form, 422)
    ident = encode("acc", account.id)
    try:
        async with desk.acting("accounts.role", ident, f"{account.role.value} -> {role.value}") as tx:
            await desk.shop.access.people.set_role(tx, account.id, role, merchant)
    except Problem as problem:
        form.wrong("role", refusal(desk, problem))
        return await _page(desk, form, problem.status)
    return desk.redirect(f"{PATH}/{ident}?done=role-changed")


async def change_password(desk: Desk) -> ASGIResponse:
    """Set a new password, which the person is told by other means and can change."""
    form, account = await desk.form(), await _account(desk)
    people, ident = desk.shop.access.people, encode("acc", account.id)
    try:
        hashed = await people.hashed(account, form.values.get("password", ""))
    except Problem as problem:
        form.wrong("password", refusal(desk, problem))
        return await _page(desk, form, problem.status)
    async with desk.acting("accounts.password", ident) as tx:
        await people.set_password(tx, account.id, hashed)
    return desk.redirect(f"{PATH}/{ident}?done=password-set")


def _role(desk: Desk, form: Form) -> Role | None:
    text = form.get("role")
    if text in {role.value for role in STAFF}:
        return Role(text)
    form.wrong("role", desk.say(say_later("Choose a role.")))
    return None


async def _merchant(desk: Desk, form: Form, role: Role | None) -> UUID | None:
    """The merchant that the role needs; of other roles none."""
    if role not in MERCHANT_BOUND:
        return None
    try:
        merchant = decode("mer", form.get("merchant"))
    except InvalidInput:
        merchant = None
    if merchant is None or merchant not in await merchant_names(desk):
        form.wrong("merchant", desk.say(say_later("Choose the merchant whose person this is.")))
    return merchant


async def _account(desk: Desk) -> Account:
    async with desk.shop.database.read() as connection:
        return await desk.shop.access.people.one(connection, desk.id("acc"))


async def _choices(desk: Desk) -> dict[str, object]:
    names = await merchant_names(desk)
    merchants = sorted(((encode("mer", id), name) for id, name in names.items()), key=lambda pair: pair[1].lower())
    return {
        "roles": [(role.value, desk.say(ROLES[role]), desk.say(ROLE_HELP[role])) for role in STAFF],
        "merchants": merchants,
        "names": names,
    }


async def _new_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    form.values.pop("password", None)
    return desk.page("people/new.html", status=status, form=form, **await _choices(desk))


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    account = await _account(desk)
    form.values.pop("password", None)
    form.values.setdefault("role", account.role.value)
    form.values.setdefault("merchant", encode("mer", account.merchant_id) if account.merchant_id else "")
    word, tone = STATES[account.state]
    return desk.page(
        "people/person.html",
        status=status,
        form=form,
        account=account,
        ident=encode("acc", account.id),
        role_words=desk.say(ROLES[account.role]),
        word=desk.say(word),
        tone=tone,
        staff=account.role is not Role.SHOPPER,
        **await _choices(desk),
    )
