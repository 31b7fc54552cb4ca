"""The first page of an account."""

from litestar.response.base import ASGIResponse

from .desk import AccountDesk
from .orders import claimable, views_of

LATEST = 3


async def show(desk: AccountDesk) -> ASGIResponse:
    """Who one is, the latest orders, and the ways to everything else."""
    account = await desk.account()
    orders = await desk.shop.orders.listed(desk.id, limit=LATEST)
    return await desk.page(
        "overview.html",
        account=account,
        confirmed=await desk.shop.access.shoppers.confirmed_at(desk.id),
        orders=await views_of(desk, orders),
        claimable=len(await claimable(desk)),
    )
