"""Whose imports a person may see and start: a merchant's people their own, operators all."""

from nightmarket.catalog.contract import ImportRun, Merchant, MerchantState
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.kernel.problems import NotFound


async def own_slug(desk: Desk) -> str | None:
    """The slug of the merchant within which all of this stays; None for those who see everything."""
    if desk.merchant is None:
        return None
    for merchant in await desk.shop.catalog.merchants():
        if merchant.id == desk.merchant:
            return merchant.slug
    raise NotFound("There is no merchant behind this account any more.")


async def may_import(desk: Desk) -> bool:
    """Whether what this person imports is taken in. Who has only applied may try a file out: anybody can apply, and
    what is imported fills our disk, asks the web for pictures, and stands ready for sale."""
    return all(one.state is MerchantState.OPEN for one in await choosable(desk)) if desk.merchant else True


async def choosable(desk: Desk) -> list[Merchant]:
    """Merchants that this person may import for."""
    merchants = await desk.shop.catalog.merchants()
    return [one for one in merchants if desk.merchant in (None, one.id)]


async def run_of(desk: Desk) -> ImportRun:
    """The import in the path; NotFound for what is not this person's to see."""
    slug = await own_slug(desk)
    async with desk.shop.database.read() as connection:
        return await desk.shop.import_runs.one(connection, desk.id("imp"), slug)
