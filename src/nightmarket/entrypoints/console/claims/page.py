"""Other shops' claims: who holds what until when; one of them, and ending it by hand."""

from litestar.response.base import ASGIResponse

from nightmarket.claims.contract import ClaimFilter, ClaimState, ClaimView, Owner, What
from nightmarket.claims.errors import ClaimNotFound
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names, read_cursor
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import key_names

HERE = "/console/claims"
ROWS = 50
MAX_REASON_LETTERS = 200

STATES = {
    "held": (ClaimState.HELD, say_later("held"), "warn"),
    "settled": (ClaimState.SETTLED, say_later("settled"), "good"),
    "released": (ClaimState.RELEASED, say_later("released"), ""),
    "lapsed": (ClaimState.LAPSED, say_later("lapsed"), ""),
}


async def show_list(desk: Desk) -> ASGIResponse:
    """What each key holds now, and the claims of all or of one, newest first."""
    state, key, before = desk.query("state"), desk.query("key"), read_cursor(desk.query("before"), "clm")
    if state and state not in STATES:
        raise InvalidInput("There is no such state of a claim.", field="state")
    chosen = ClaimFilter(STATES[state][0] if state else None, decode("key", key) if key else None)
    async with desk.shop.database.read() as connection:
        holders = await desk.shop.claims.holders(connection)
        found = await desk.shop.claims.board(connection, chosen, before=before, limit=ROWS + 1)
        names = await key_names(connection, {one.client for one in (*holders, *found)})
    shown = found[:ROWS]
    return desk.page(
        "outside/list.html",
        holders=[(encode("key", one.client), names.get(one.client, ""), one) for one in holders],
        claims=[(encode("clm", one.id), encode("key", one.client), names.get(one.client, ""), one) for one in shown],
        states=STATES,
        state=state,
        key=key,
        first=before is None,
        further=f"{shown[-1].made_at.isoformat()}~{encode('clm', shown[-1].id)}" if len(found) > ROWS else "",
    )


async def show(desk: Desk) -> ASGIResponse:
    """One claim with its lines, and how to end it while it is held."""
    return await _page(desk, await _claim(desk), Form())


async def settle(desk: Desk) -> ASGIResponse:
    """Count what is held as sold, as its shop would have."""
    return await _end(desk, "settle")


async def release(desk: Desk) -> ASGIResponse:
    """Give back what is held."""
    return await _end(desk, "release")


async def _end(desk: Desk, how: str) -> ASGIResponse:
    form = await desk.form()
    claim, reason = await _claim(desk), form.get("reason")
    if not 3 <= len(reason) <= MAX_REASON_LETTERS or not reason.isprintable():
        text = say_later("Say in 3 to %(most)s letters why, for those who look at this later.")
        form.wrong("reason", desk.say(text, most=MAX_REASON_LETTERS))
        return await _page(desk, claim, form, 422)
    ident = encode("clm", claim.id)
    await desk.note(f"claims.{how}", ident, f"{claim.reference}: {reason}")
    owner = Owner(claim.client, claim.merchant)
    try:
        await (desk.shop.claims.settle if how == "settle" else desk.shop.claims.release)(owner, claim.id)
    except Problem as problem:
        text = say_later("Meanwhile it has ended in another way. See how it stands.")
        form.wrong("reason", desk.say(text))
        return await _page(desk, await _claim(desk), form, problem.status)
    return desk.redirect(f"{HERE}/{ident}?done=claim-{how}d")


async def _claim(desk: Desk) -> ClaimView:
    id = desk.id("clm")
    async with desk.shop.database.read() as connection:
        found = await desk.shop.claims.some(connection, [id])
    if id not in found:
        raise ClaimNotFound("There is no claim with that id.", field="id")
    return found[id]


async def _page(desk: Desk, claim: ClaimView, form: Form, status: int = 200) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        names = await key_names(connection, {claim.client})
    merchants = await merchant_names(desk)
    return desk.page(
        "outside/claim.html",
        status=status,
        form=form,
        ident=encode("clm", claim.id),
        claim=claim,
        key=encode("key", claim.client),
        key_name=names.get(claim.client, ""),
        merchant=merchants.get(claim.merchant, "") if claim.merchant else "",
        states=STATES,
        goods=What.GOODS,
        offer=What.OFFER,
    )
