"""A table of the console as its address says it: sorted by which column, which columns are shown, which page.

All of it stands in the query, so that a table can be shared, bookmarked and gone back to, and needs no script.
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from .desk import Desk

MAX_PAGE = 2_000


class Column(msgspec.Struct, frozen=True):
    """A column: what it is called (to be translated), whether it sorts, and whether it is shown unless asked for."""

    key: str
    words: str
    sorts: bool = False
    amount: bool = False
    shown: bool = True


class Grid:
    """Reads `sort` (`name`, `-name`), `cols` (keys, comma-separated) and `page` (from 1); what is unknown is ignored.

    `keep` are the members of the query that choose the rows, such as a search; they stay when the rest changes.
    """

    def __init__(
        self, desk: Desk, path: str, columns: Sequence[Column], *, sort: str, keep: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.columns = columns
        self._desk = desk
        self._default_sort = sort
        self._kept = {name: desk.query(name) for name in keep if desk.query(name)}
        wanted = [*desk.query("cols").split(","), *desk.several("col")]
        known = {column.key for column in columns}
        chosen = [key for key in wanted if key in known]
        self.chosen = chosen or [column.key for column in columns if column.shown]
        self._own_columns = bool(chosen)
        asked = desk.query("sort")
        self.sort = asked if asked.lstrip("-") in {column.key for column in columns if column.sorts} else sort
        page = desk.query("page")
        self.page = min(int(page), MAX_PAGE) if page.isascii() and page.isdigit() and int(page[:6]) > 0 else 1

    @property
    def key(self) -> str:
        """The column that the rows are sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def shown(self) -> list[Column]:
        return [column for column in self.columns if column.key in self.chosen]

    def title(self, column: Column) -> str:
        return self._desk.say(column.words)

    def kept(self) -> Mapping[str, str]:
        """What a form that changes the search or the columns sends along."""
        return self._query(page=1)

    def hidden(self, *without: str) -> Iterator[tuple[str, str]]:
        """Hidden fields for a form of this table, but those that the form asks for itself."""
        return ((name, value) for name, value in self.kept().items() if name not in without)

    def sorted_by(self, column: Column) -> str:
        """The `aria-sort` of a column."""
        if column.key != self.key:
            return "none"
        return "descending" if self.descending else "ascending"

    def to_sort(self, column: Column) -> str:
        """The address of the table sorted by the column, the other way round if it is already."""
        flipped = column.key if column.key == self.key and self.descending else f"-{column.key}"
        again = flipped if column.key == self.key else column.key
        return self._link(self._query(page=1, sort=again))

    def to_page(self, page: int) -> str:
        return self._link(self._query(page=page))

    def to_file(self) -> str:
        """The address of the same rows as CSV."""
        return f"{self.path}.csv{self._tail(self._query(page=1))}"

    def _query(self, *, page: int, sort: str | None = None) -> dict[str, str]:
        query = dict(self._kept)
        if self._own_columns:
            query["cols"] = ",".join(self.chosen)
        order = self.sort if sort is None else sort
        if order != self._default_sort:
            query["sort"] = order
        if page > 1:
            query["page"] = str(page)
        return query

    def _link(self, query: Mapping[str, str]) -> str:
        return f"{self.path}{self._tail(query)}"

    def _tail(self, query: Mapping[str, str]) -> str:
        return f"?{urlencode(query)}" if query else ""
