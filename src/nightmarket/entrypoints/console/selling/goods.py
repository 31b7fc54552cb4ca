"""The merchant's goods: a list to search, filter and sort, and what can be done with many of them at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import Entry, Merchant, ProductState
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.grid import Column, Grid
from nightmarket.entrypoints.console.stalls import own, require_open
from nightmarket.entrypoints.console.tables import table_file
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import decimal_of
from nightmarket.kernel.problems import InvalidInput, Problem

PATH = "/console/selling/goods"
ROWS = 50
ENTRIES_LIMIT = 2_000
"""Goods that one list sorts and filters; a search finds those beyond."""

PAGE_LIMIT = 500
FEW = 5

COLUMNS = (
    Column("title", say_later("Goods"), sorts=True),
    Column("state", say_later("State"), sorts=True),
    Column("category", say_later("Category"), sorts=True),
    Column("variants", say_later("Variants"), sorts=True, amount=True),
    Column("price", say_later("Price from"), sorts=True, amount=True),
    Column("stock", say_later("Available"), sorts=True, amount=True),
    Column("updated_at", say_later("Changed"), sorts=True),
    Column("brand", say_later("Brand"), sorts=True, shown=False),
    Column("kind", say_later("Kind"), shown=False),
)
STATES = {
    ProductState.DRAFT: (say_later("draft"), "warn"),
    ProductState.LIVE: (say_later("on sale"), "good"),
    ProductState.WITHDRAWN: (say_later("withdrawn"), ""),
}
STOCKS = {"out": say_later("sold out"), "few": say_later("five or fewer"), "some": say_later("in stock")}
ACTIONS = {"publish": ProductState.LIVE, "withdraw": ProductState.WITHDRAWN, "draft": ProductState.DRAFT}
NOTHING_CHOSEN = say_later("Choose some goods first.")


class GoodsView(msgspec.Struct, frozen=True):
    """A row of the list."""

    ident: str
    entry: Entry
    title: str
    category: str
    state: str
    tone: str
    currency: str
    price: int
    stock: int


async def show(desk: Desk) -> ASGIResponse:
    """The goods that search and filters find."""
    return await page(desk)


async def page(desk: Desk, problem: Problem | None = None, chosen: Sequence[str] = ()) -> ASGIResponse:
    """The list, with what stood in the way of the last action and what was chosen for it."""
    merchant, grid = await own(desk), _grid(desk)
    views, cut = await _views(desk, merchant)
    views = _sorted(views, grid)
    start = (grid.page - 1) * ROWS
    names = {one.slug: pick(one.names, desk.visit.language) or one.slug for one in await desk.shop.catalog.categories()}
    return desk.page(
        "selling/goods.html",
        status=problem.status if problem else 200,
        merchant=merchant,
        grid=grid,
        goods=views[start : start + ROWS],
        amount=len(views),
        cut=cut,
        further=len(views) > start + ROWS,
        states=[(state.value, desk.say(word)) for state, (word, _) in STATES.items()],
        stocks=[(key, desk.say(word)) for key, word in STOCKS.items()],
        categories=sorted(names.items(), key=lambda pair: pair[1].casefold()),
        wanted={name: desk.query(name) for name in ("q", "state", "stock", "category")},
        problem=desk.say(problem.detail) if problem else "",
        chosen=set(chosen),
    )


async def export(desk: Desk) -> ASGIResponse:
    """The goods of the list as CSV."""
    views, _ = await _views(desk, await own(desk))
    grid = _grid(desk)
    cells = [[_cell(one, column.key) for column in grid.shown] for one in _sorted(views, grid)]
    return table_file([column.key for column in grid.shown], cells, "goods.csv")


async def act(desk: Desk) -> ASGIResponse:
    """Publish, withdraw or take back to draft what was chosen, all or none."""
    form = await desk.form()
    merchant = await own(desk)
    state = ACTIONS.get(form.get("action"))
    try:
        ids = chosen_ids(form.lists.get("id", []))
        if state is None:
            raise InvalidInput(say_later("Choose what to do with them."), field="action")
        if state is ProductState.LIVE:
            require_open(merchant)
        detail = f"{state.value}: {', '.join(form.lists['id'])}"
        async with desk.acting("goods.state", encode("mer", merchant.id), detail) as tx:
            await desk.shop.editor.set_state(tx, merchant.id, ids, state, desk.actor.name)
    except Problem as problem:
        return await page(desk, problem, form.lists.get("id", []))
    return desk.redirect(f"{PATH}?done=goods-{form.get('action')}")


def chosen_ids(texts: Sequence[str]) -> list[UUID]:
    """The products that were ticked. Raises InvalidInput for none, or for what is no product."""
    if not texts:
        raise InvalidInput(NOTHING_CHOSEN, field="id")
    try:
        return [decode("prd", text) for text in texts]
    except InvalidInput:
        raise InvalidInput(say_later("One of these is not there; load the page again."), field="id") from None


def _grid(desk: Desk) -> Grid:
    return Grid(desk, PATH, COLUMNS, sort="-updated_at", keep=("q", "state", "stock", "category"))


async def _views(desk: Desk, merchant: Merchant) -> tuple[list[GoodsView], bool]:
    """The rows that the filters leave, and whether there are more goods than the list takes in."""
    state = desk.query("state")
    wanted = ProductState(state) if state in {one.value for one in ProductState} else None
    shop = desk.shop
    entries: list[Entry] = []
    async with desk.reading() as connection:
        while len(entries) < ENTRIES_LIMIT:
            after = entries[-1].slug if entries else ""
            found = await shop.editor.products(
                connection, merchant=merchant.id, state=wanted, words=desk.query("q"), after=after, limit=PAGE_LIMIT
            )
            entries += found
            if len(found) < PAGE_LIMIT:
                break
        tallies = await shop.shelf.tallies_of(connection, merchant.id, [one.product for one in entries])
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [tally for some in tallies.values() for tally in some])
    left = {
        product: sum(levels[tally].available for tally in some if tally in levels) for product, some in tallies.items()
    }
    names = {one.slug: pick(one.names, desk.visit.language) or one.slug for one in await shop.catalog.categories()}
    views = [_view(desk, one, left.get(one.product, 0), names) for one in entries]
    return [one for one in views if _fits(one, desk)], len(entries) >= ENTRIES_LIMIT


def _view(desk: Desk, entry: Entry, stock: int, names: Mapping[str, str]) -> GoodsView:
    word, tone = STATES[entry.state]
    currency = CURRENCY if CURRENCY in entry.prices_from else next(iter(sorted(entry.prices_from)), CURRENCY)
    return GoodsView(
        ident=encode("prd", entry.product),
        entry=entry,
        title=pick(entry.title, desk.visit.language) or entry.slug,
        category=names.get(entry.category, entry.category),
        state=desk.say(word),
        tone=tone,
        currency=currency,
        price=entry.prices_from.get(currency, 0),
        stock=stock,
    )


def _fits(view: GoodsView, desk: Desk) -> bool:
    stock, category = desk.query("stock"), desk.query("category")
    if category and view.entry.category != category:
        return False
    match stock:
        case "out":
            return view.stock == 0
        case "few":
            return 0 < view.stock <= FEW
        case "some":
            return view.stock > 0
        case _:
            return True


def _sorted(views: Sequence[GoodsView], grid: Grid) -> list[GoodsView]:
    def key(view: GoodsView) -> tuple[object, str]:
        match grid.key:
            case "title" | "category" | "state":
                return str(getattr(view, grid.key)).casefold(), view.entry.slug
            case "brand":
                return view.entry.brand.casefold(), view.entry.slug
            case "variants" | "updated_at":
                return getattr(view.entry, grid.key), view.entry.slug
            case _:
                return getattr(view, grid.key), view.entry.slug

    return sorted(views, key=key, reverse=grid.descending)  # pyright: ignore[reportArgumentType]


def _cell(view: GoodsView, key: str) -> str:
    match key:
        case "price":
            return f"{decimal_of(view.price, view.currency)} {view.currency}" if view.entry.prices_from else ""
        case "state" | "kind":
            return getattr(view.entry, key).value
        case "category" | "brand" | "variants":
            return str(getattr(view.entry, key))
        case "updated_at":
            return view.entry.updated_at.isoformat()
        case _:
            return str(getattr(view, key))
