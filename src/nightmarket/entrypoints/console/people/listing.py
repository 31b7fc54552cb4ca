"""Who may come in: a table to search, sort and choose from."""

from collections.abc import Sequence

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.grid import Column, Grid
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.console.tables import table_file
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import ACCOUNT_ROLES, Account, PeopleFilter, PeoplePage, Role

from .words import ROLES, STATES, refusal

ROWS = 50
EXPORT_LIMIT = 100_000
PATH = "/console/people"

COLUMNS = (
    Column("name", say_later("Name"), sorts=True),
    Column("email", say_later("E-mail"), sorts=True),
    Column("role", say_later("Role"), sorts=True),
    Column("merchant", say_later("Merchant")),
    Column("state", say_later("State"), sorts=True),
    Column("created_at", say_later("Since"), sorts=True),
    Column("id", say_later("Id"), shown=False),
)


class PersonView(msgspec.Struct, frozen=True):
    """A row of the table."""

    ident: str
    account: Account
    role: str
    merchant: str
    state: str
    tone: str


async def show(desk: Desk) -> ASGIResponse:
    """The people that the search and the filters find."""
    return await page(desk)


async def page(desk: Desk, problem: Problem | None = None) -> ASGIResponse:
    """The table, with what stood in the way of the last bulk action."""
    grid, chosen = _grid(desk), _filter(desk)
    people = await _people(desk, grid, chosen, skip=(grid.page - 1) * ROWS, limit=ROWS + 1)
    return desk.page(
        "people/list.html",
        status=problem.status if problem else 200,
        grid=grid,
        people=people[:ROWS],
        further=len(people) > ROWS,
        roles=[(role.value, desk.say(word)) for role, word in ROLES.items()],
        states=[(state, desk.say(word)) for state, (word, _) in STATES.items()],
        chosen=chosen,
        problem=refusal(desk, problem) if problem else "",
    )


async def export(desk: Desk) -> ASGIResponse:
    """The rows of the table as CSV, at most EXPORT_LIMIT."""
    grid, chosen = _grid(desk), _filter(desk)
    cells: list[list[str]] = []
    while len(cells) < EXPORT_LIMIT:
        people = await _people(desk, grid, chosen, skip=len(cells), limit=500)
        cells.extend([_cell(one, column.key) for column in grid.shown] for one in people)
        if len(people) < 500:
            break
    return table_file([column.key for column in grid.shown], cells, "people.csv")


async def close(desk: Desk) -> ASGIResponse:
    """Close or reopen the accounts that were chosen, all or none."""
    form = await desk.form()
    try:
        ids = [decode("acc", text) for text in form.lists.get("id", [])]
    except InvalidInput:
        raise InvalidInput("One of these is no account; load the page again.", field="id") from None
    reopen = form.get("action") == "reopen"
    action = "accounts.reopen" if reopen else "accounts.suspend"
    people = desk.shop.access.people
    if not ids:
        return await page(desk, InvalidInput(say_later("Choose at least one person.")))
    try:
        about = ", ".join(form.lists["id"])
        async with desk.acting(action, form.lists["id"][0], about if len(ids) > 1 else "") as tx:
            await (people.reopen(tx, ids) if reopen else people.suspend(tx, ids))
    except Problem as problem:
        return await page(desk, problem)
    return desk.redirect(f"{PATH}?done={'reopened' if reopen else 'suspended'}")


def _grid(desk: Desk) -> Grid:
    return Grid(desk, PATH, COLUMNS, sort="-created_at", keep=("q", "role", "state"))


def _filter(desk: Desk) -> PeopleFilter:
    role, state = desk.query("role"), desk.query("state")
    known = {one.value for one in ACCOUNT_ROLES}
    return PeopleFilter(
        words=desk.query("q"), role=Role(role) if role in known else None, state=state if state in STATES else ""
    )


async def _people(desk: Desk, grid: Grid, chosen: PeopleFilter, *, skip: int, limit: int) -> Sequence[PersonView]:
    names = await merchant_names(desk)
    page = PeoplePage(sort=grid.key, descending=grid.descending, skip=skip, limit=limit)
    async with desk.shop.database.read() as connection:
        found = await desk.shop.access.people.page(connection, chosen, page)
    views: list[PersonView] = []
    for one in found:
        word, tone = STATES[one.state]
        merchant = names.get(one.merchant_id, "") if one.merchant_id else ""
        views.append(PersonView(encode("acc", one.id), one, desk.say(ROLES[one.role]), merchant, desk.say(word), tone))
    return views


def _cell(view: PersonView, key: str) -> str:
    match key:
        case "merchant":
            return view.merchant
        case "role":
            return view.account.role.value
        case "created_at":
            return view.account.created_at.isoformat()
        case "id":
            return view.ident
        case _:
            return str(getattr(view.account, key))
