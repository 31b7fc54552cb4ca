"""Who sells here."""

from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Place

from .desk import Desk


async def show(desk: Desk) -> ASGIResponse:
    """Every merchant with its places and the size of its assortment."""
    shop = desk.shop
    merchants = await shop.catalog.merchants()
    places: dict[object, list[Place]] = {}
    for place in await shop.catalog.places():
        places.setdefault(place.merchant, []).append(place)
    async with shop.database.read() as connection:
        sizes = await shop.stock_books.assortments(connection)
    rows = [(merchant, places.get(merchant.id, []), sizes.get(merchant.id, (0, 0))) for merchant in merchants]
    return desk.page("merchants.html", rows=rows)
