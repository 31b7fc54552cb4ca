"""What a shopper agrees to, all that is kept about them, and leaving."""

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.engagement.contract.profiles import Purpose
from nightmarket.entrypoints.pages import Form
from nightmarket.platform.access import TooManyAttempts, WrongCredentials

from .data import everything
from .desk import AccountDesk
from .entering import leave_browser
from .words import note


async def show(desk: AccountDesk) -> ASGIResponse:
    """Choices, their history, and the ways to one's data and out."""
    async with desk.shop.database.read() as connection:
        history = await desk.shop.profiles.consents(connection, desk.id)
        stands = {
            purpose.value: desk.id in await desk.shop.profiles.agreed(connection, [desk.id], purpose)
            for purpose in Purpose
        }
    return await desk.page("privacy.html", stands=stands, history=history)


async def decide(desk: AccountDesk) -> ASGIResponse:
    """Keep what was chosen; a box that is empty is a no."""
    form = await desk.form()
    async with desk.shop.database.transaction() as tx:
        for purpose in Purpose:
            granted = form.get(purpose.value) == "1"
            await desk.shop.profiles.decide(tx, desk.id, purpose, granted, desk.visit.language)
    return desk.redirect("/account/privacy?done=choices")


async def download(desk: AccountDesk) -> ASGIResponse:
    """Everything that is kept about this shopper, as JSON."""
    body = msgspec.json.format(msgspec.json.encode(await everything(desk), enc_hook=str), indent=2)
    headers = {
        "content-disposition": 'attachment; filename="nightmarket-my-data.json"',
        "cache-control": "no-store",
    }
    return ASGIResponse(body=body, media_type="application/json", headers=headers)


async def show_delete(desk: AccountDesk) -> ASGIResponse:
    """What would go and what would stay."""
    return await desk.page("delete.html", form=Form(), account=await desk.account())


async def delete(desk: AccountDesk) -> ASGIResponse:
    """Delete the account, for whoever knows its password."""
    form = await desk.form()
    try:
        account = await desk.shop.access.shoppers.prove(desk.id, form.values.get("password", ""))
    except (WrongCredentials, TooManyAttempts) as problem:
        note(form, problem, desk.visit, field="password")
        form.values.pop("password", None)
        return await desk.page("delete.html", status=422, form=form, account=await desk.account())
    await desk.shop.leaving.leave(account)
    leave_browser(desk)
    return desk.redirect("/account/sign-in?done=deleted")
