"""API keys: who has one, what it may do, a new one that is shown once, and its end."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import NewKey, Scope, page_of_keys

from .words import SCOPES, refusal

ROWS = 100


async def show(desk: Desk) -> ASGIResponse:
    """The keys, newest first, and the form for another."""
    return await _page(desk, Form())


async def issue(desk: Desk) -> ASGIResponse:
    """Make a key. Its secret is on this one page and nowhere else."""
    form = await desk.form()
    asked = [text for text in form.lists.get("scope", []) if text in SCOPES]
    merchant = None
    if form.get("merchant"):
        try:
            merchant = decode("mer", form.get("merchant"))
        except InvalidInput:
            merchant = None
        if merchant not in await merchant_names(desk):
            form.wrong("merchant", desk.say(say_later("There is no such merchant.")))
    if not asked:
        form.wrong("scope", desk.say(say_later("Choose at least one permission.")))
    if form.errors:
        return await _page(desk, form, status=422)
    once = decode("key", form.get("once")) if form.get("once") else None
    wanted = NewKey(form.get("name"), frozenset(Scope(text) for text in asked), merchant, once)
    try:
        (issued,) = await desk.shop.access.keys.issue(desk.actor, [wanted])
    except Problem as problem:
        form.wrong(problem.field or "name", refusal(desk, problem))
        return await _page(desk, form, status=problem.status)
    await desk.note("keys.issue", encode("key", issued.key.id), issued.key.name)
    return await _page(desk, Form(), fresh=issued.token)


async def revoke(desk: Desk) -> ASGIResponse:
    """End a key; within seconds no process takes it any more."""
    await desk.form()
    ident = desk.id("key")
    await desk.note("keys.revoke", encode("key", ident))
    await desk.shop.access.keys.revoke(desk.actor, [ident])
    return desk.redirect("/console/keys?done=key-revoked")


async def _page(desk: Desk, form: Form, *, fresh: str = "", status: int = 200) -> ASGIResponse:
    before = desk.query("before")
    async with desk.shop.database.read() as connection:
        found = await page_of_keys(connection, decode("key", before) if before else None, ROWS + 1)
    names = await merchant_names(desk)
    shown = found[:ROWS]
    return desk.page(
        "people/keys.html",
        status=status,
        form=form,
        fresh=fresh,
        once=encode("key", desk.shop.ids.new()),
        keys=[(encode("key", key.id), key, names.get(key.merchant_id, "") if key.merchant_id else "") for key in shown],
        scopes=[(text, desk.say(words)) for text, words in SCOPES.items()],
        chosen=set(form.lists.get("scope", [])),
        merchants=sorted(((encode("mer", id), name) for id, name in names.items()), key=lambda pair: pair[1].lower()),
        first=not before,
        further=encode("key", shown[-1].id) if len(found) > ROWS else "",
    )
