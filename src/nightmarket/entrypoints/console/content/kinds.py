"""The kinds of words that all merchants share, as fields of a form and back."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from nightmarket.catalog.contract import Attribute, AttributeType, Brand, Category, SizeChart, Texts
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.platform.database import Connection

SEPARATOR = "|"
NOT_A_NUMBER = say_later("Write a whole number.")
NOT_FOUR = say_later("Write each line as: value | English | Deutsch | Italiano | 中文. Languages may be left empty.")
NO_ROWS = say_later("Write a line of headings and at least one line of cells.")


class Row(msgspec.Struct, frozen=True):
    """A line of the list. `depth` indents it; `more` says what is worth knowing."""

    slug: str
    title: str
    more: str = ""
    depth: int = 0
    group: str = ""


class Named(msgspec.Struct, frozen=True):
    """An item with the name by which it is addressed."""

    slug: str
    item: Any

    @property
    def version(self) -> int:
        return self.item.version


class Kind(Protocol):
    """One kind: how it is listed, shown as fields, read and saved."""

    key: ClassVar[str]
    words: ClassVar[str]
    new_words: ClassVar[str]
    help: ClassVar[str]
    icon: ClassVar[str]

    async def items(self, desk: Desk) -> dict[str, Named]:
        """Every one that there is, by the name in its address."""
        ...

    async def rows(self, desk: Desk) -> list[Row]:
        """The lines of the list, in its order."""
        ...

    def values(self, found: Named) -> dict[str, str]:
        """The fields of the form."""
        ...

    def read(self, desk: Desk, form: Form, slug: str, before: Named | None) -> Any:
        """What was typed; what cannot be read is noted in the form."""
        ...

    async def save(self, desk: Desk, tx: Connection, item: Any) -> None:
        """Keep it. Raises EntryRefused, VersionConflict."""
        ...

    def name_of(self, form: Form) -> str:
        return form.get("slug")

    async def choices(self, desk: Desk) -> Mapping[str, Sequence[tuple[str, str]]]:  # noqa: ARG002
        return {}


class Categories(Kind):
    """Trees of categories."""

    key = "categories"
    words = say_later("Categories")
    new_words = say_later("New category")
    help = say_later("Where goods stand. The tree of goods has each product once; other trees are further ways in.")
    icon = "folder-tree"

    async def items(self, desk: Desk) -> dict[str, Named]:
        return {one.slug: Named(one.slug, one) for one in await desk.shop.catalog.categories()}

    async def rows(self, desk: Desk) -> list[Row]:
        items = [named.item for named in (await self.items(desk)).values()]
        below: dict[str | None, list[Category]] = {}
        for one in sorted(items, key=lambda one: (one.tree != "goods", one.tree, one.position, one.slug)):
            below.setdefault(one.parent, []).append(one)
        rows: list[Row] = []

        def walk(parent: str | None, depth: int) -> None:
            for one in below.get(parent, ()):
                title = pick(one.names, desk.visit.language) or one.slug
                rows.append(Row(one.slug, title, one.slug, depth, one.tree))
                walk(one.slug, depth + 1)

        walk(None, 0)
        return rows

    def values(self, found: Named) -> dict[str, str]:
        one: Category = found.item
        return {
            **_typed("names", one.names),
            "tree": one.tree,
            "parent": one.parent or "",
            "position": str(one.position),
        }

    def read(self, desk: Desk, form: Form, slug: str, before: Named | None) -> Category:
        return Category(
            slug=slug,
            names=_texts(form, "names"),
            parent=form.get("parent") or None,
            image=before.item.image if before else None,
            tree=form.get("tree") or "goods",
            position=_number(desk, form, "position"),
            version=form.number("version", 0),
        )

    async def save(self, desk: Desk, tx: Connection, item: Category) -> None:
        await desk.shop.editor.save_categories(tx, [item])

    async def choices(self, desk: Desk) -> Mapping[str, Sequence[tuple[str, str]]]:
        rows = await self.rows(desk)
        return {"parent": [(row.slug, "\u2003" * row.depth + f"{row.title} ({row.group})") for row in rows]}


class Brands(Kind):
    """Brands with their story."""

    key = "brands"
    words = say_later("Brands")
    new_words = say_later("New brand")
    help = say_later("Names that goods carry, each with a page of its own. A brand appears by itself with its goods.")
    icon = "sparkles"

    async def items(self, desk: Desk) -> dict[str, Named]:
        async with desk.shop.database.read() as connection:
            return {one.slug: Named(one.slug, one) for one in await desk.shop.editor.all_brands(connection)}

    async def rows(self, desk: Desk) -> list[Row]:
        items = [named.item for named in (await self.items(desk)).values()]
        return [Row(one.slug, one.name, pick(one.tagline, desk.visit.language) or "") for one in items]

    def values(self, found: Named) -> dict[str, str]:
        one: Brand = found.item
        return {
            "name": one.name,
            **_typed("tagline", one.tagline),
            **_typed("story", one.story),
            "hue": str(one.hue),
        }

    def read(self, desk: Desk, form: Form, slug: str, before: Named | None) -> Brand:
        return Brand(
            slug=slug,
            name=form.get("name"),
            tagline=_texts(form, "tagline"),
            story=_texts(form, "story"),
            image=before.item.image if before else None,
            hue=_number(desk, form, "hue"),
            version=form.number("version", 0),
        )

    async def save(self, desk: Desk, tx: Connection, item: Brand) -> None:
        await desk.shop.editor.save_brands(tx, [item])


class Attributes(Kind):
    """Typed attributes."""

    key = "attributes"
    words = say_later("Attributes")
    new_words = say_later("New attribute")
    help = say_later(
        "What can be said of goods: how it is called, what kind of value it has, and whether lists filter by it."
    )
    icon = "list-filter"

    async def items(self, desk: Desk) -> dict[str, Named]:
        return {one.key: Named(one.key, one) for one in await desk.shop.catalog.attributes()}

    async def rows(self, desk: Desk) -> list[Row]:
        items = [named.item for named in (await self.items(desk)).values()]
        rows: list[Row] = []
        for one in items:
            told = [desk.say(TYPES[one.type]), one.unit or "", desk.say(FILTERS) if one.filterable else ""]
            rows.append(Row(one.key, pick(one.names, desk.visit.language) or one.key, " · ".join(filter(None, told))))
        return rows

    def values(self, found: Named) -> dict[str, str]:
        one: Attribute = found.item
        lines = [
            f" {SEPARATOR} ".join([value, *(names.get(code, "") for code in LANGUAGES)])
            for value, names in one.choices.items()
        ]
        return {
            **_typed("names", one.names),
            "type": one.type.value,
            "unit": one.unit or "",
            "choices": "\n".join(lines),
            "filterable": "on" if one.filterable else "",
            "position": str(one.position),
        }

    def read(self, desk: Desk, form: Form, slug: str, before: Named | None) -> Attribute:  # noqa: ARG002
        text = form.get("type")
        chosen = AttributeType(text) if text in set(AttributeType) else AttributeType.TEXT
        return Attribute(
            key=slug,
            names=_texts(form, "names"),
            type=chosen,
            unit=form.get("unit") or None,
            choices=_choices(desk, form) if chosen is AttributeType.CHOICE else {},
            filterable=form.get("filterable") == "on",
            position=_number(desk, form, "position"),
            version=form.number("version", 0),
        )

    async def save(self, desk: Desk, tx: Connection, item: Attribute) -> None:
        await desk.shop.editor.save_attributes(tx, [item])

    async def choices(self, desk: Desk) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {"type": [(one.value, desk.say(words)) for one, words in TYPES.items()]}


class SizeCharts(Kind):
    """Tables of sizes."""

    key = "size-charts"
    words = say_later("Size charts")
    new_words = say_later("New size chart")
    help = say_later("Tables that product pages show beside their sizes.")
    icon = "ruler"

    async def items(self, desk: Desk) -> dict[str, Named]:
        async with desk.shop.database.read() as connection:
            return {one.slug: Named(one.slug, one) for one in await desk.shop.editor.size_charts(connection)}

    async def rows(self, desk: Desk) -> list[Row]:
        items = [named.item for named in (await self.items(desk)).values()]
        return [Row(one.slug, pick(one.names, desk.visit.language) or one.slug, one.slug) for one in items]

    def values(self, found: Named) -> dict[str, str]:
        one: SizeChart = found.item
        tables = {
            f"columns_{code}": _as_csv([[words.get(code, "") for words in one.columns]])
            for code in LANGUAGES
            if any(words.get(code) for words in one.columns)
        }
        return {**_typed("names", one.names), **tables, "rows": _as_csv(one.rows)}

    def read(self, desk: Desk, form: Form, slug: str, before: Named | None) -> SizeChart:  # noqa: ARG002
        headings = {code: _cells(form.get(f"columns_{code}")) for code in LANGUAGES}
        rows = _cells(form.get("rows"))
        english = headings["en"][0] if headings["en"] else []
        if not english or not rows:
            form.wrong("rows", desk.say(NO_ROWS))
        columns = tuple(
            {code: cells[0][n] for code, cells in headings.items() if cells and n < len(cells[0]) and cells[0][n]}
            for n in range(len(english))
        )
        return SizeChart(
            slug=slug,
            names=_texts(form, "names"),
            columns=columns,
            rows=tuple(tuple(cells) for cells in rows),
            version=form.number("version", 0),
        )

    async def save(self, desk: Desk, tx: Connection, item: SizeChart) -> None:
        await desk.shop.editor.save_size_charts(tx, [item])


TYPES = {
    AttributeType.TEXT: say_later("words"),
    AttributeType.NUMBER: say_later("a number"),
    AttributeType.FLAG: say_later("yes or no"),
    AttributeType.CHOICE: say_later("one of named values"),
    AttributeType.LIST: say_later("several words"),
}
FILTERS = say_later("lists filter by it")

KINDS: dict[str, Kind] = {one.key: one for one in (Categories(), Brands(), Attributes(), SizeCharts())}


def _typed(field: str, texts: Texts) -> dict[str, str]:
    return {f"{field}_{code}": text for code, text in texts.items()}


def _texts(form: Form, field: str) -> Texts:
    """What was typed in each language; an empty one is left out."""
    found = {code: form.get(f"{field}_{code}").replace("\r\n", "\n") for code in LANGUAGES}
    return {code: text for code, text in found.items() if text}


def _number(desk: Desk, form: Form, field: str) -> int:
    text = form.get(field) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        form.wrong(field, desk.say(NOT_A_NUMBER))
        return 0
    return int(text)


def _choices(desk: Desk, form: Form) -> dict[str, Texts]:
    """Lines of a value and its names."""
    found: dict[str, Texts] = {}
    for line in filter(str.strip, form.values.get("choices", "").splitlines()):
        value, *names = (part.strip() for part in line.split(SEPARATOR))
        if not value or not names or not names[0] or len(names) > len(LANGUAGES):
            form.wrong("choices", desk.say(NOT_FOUR))
            continue
        found[value] = {code: name for code, name in zip(LANGUAGES, names, strict=False) if name}
    return found


def _cells(text: str) -> list[list[str]]:
    """Lines of cells, with commas between them and quotes where a cell has one."""
    rows = csv.reader(io.StringIO(text.replace("\r\n", "\n")), skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().strip()
