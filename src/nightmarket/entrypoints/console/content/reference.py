"""What all merchants share: categories, brands, typed attributes, size charts. One list and one form for each kind.

How a kind becomes fields of a form, and comes back, is in `kinds.py`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from litestar.response.base import ASGIResponse

from nightmarket.catalog.errors import EntryRefused, VersionConflict
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import NAMES, say_later
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import NotFound

from .kinds import KINDS, Kind

PATH = "/console/range"
CHANGED = say_later(
    "Someone else saved this meanwhile. What you typed is kept below; save again to put it in place of theirs."
)
TAKEN = say_later("There is one with this name already; open it in the list.")
FIELDS = {"names": "names_en", "parent": "parent", "slug": "slug", "key": "slug", "name": "name"}
"""Where a flaw of the catalogue's is shown, by the beginning of its field; others by their own name."""


def pages(name: str) -> tuple[Callable[[Desk], Awaitable[ASGIResponse]], ...]:
    """The list, the empty form, making, the form of one, and saving it, for a kind."""
    kind = KINDS[name]

    async def show_list(desk: Desk) -> ASGIResponse:
        return desk.page("content/range.html", kind=kind, rows=await kind.rows(desk), kinds=KINDS)

    async def show_new(desk: Desk) -> ASGIResponse:
        form = Form({"version": "0", "position": "0", "hue": "35", "tree": "goods"})
        return await _form_page(desk, kind, form, "")

    async def create(desk: Desk) -> ASGIResponse:
        return await _save(desk, kind, await desk.form(), "")

    async def show(desk: Desk) -> ASGIResponse:
        found = (await kind.items(desk)).get(desk.part("slug"))
        if found is None:
            raise NotFound("There is nothing with that name.")
        return await _form_page(desk, kind, Form({"version": str(found.version), **kind.values(found)}), found.slug)

    async def save(desk: Desk) -> ASGIResponse:
        slug = desk.part("slug")
        if slug not in await kind.items(desk):
            raise NotFound("There is nothing with that name.")
        return await _save(desk, kind, await desk.form(), slug)

    return show_list, show_new, create, show, save


async def _save(desk: Desk, kind: Kind, form: Form, slug: str) -> ASGIResponse:
    items = await kind.items(desk)
    wanted = slug or kind.name_of(form)
    if not slug and wanted in items:
        form.wrong("slug", desk.say(TAKEN))
        return await _form_page(desk, kind, form, slug, 409)
    item = kind.read(desk, form, wanted, items.get(wanted))
    if form.errors:
        return await _form_page(desk, kind, form, slug, 422)
    try:
        async with desk.acting(f"range.{kind.key}", wanted) as tx:
            await kind.save(desk, tx, item)
    except EntryRefused as problem:
        _note(desk, form, problem)
        return await _form_page(desk, kind, form, slug, 422)
    except VersionConflict as problem:
        form.values["version"] = str(problem.fields.get("current", 0))
        form.wrong("slug", desk.say(CHANGED))
        return await _form_page(desk, kind, form, slug, problem.status)
    return desk.redirect(f"{PATH}/{kind.key}?done=range-saved")


def _note(desk: Desk, form: Form, problem: EntryRefused) -> None:
    flaws: Sequence[Mapping[str, Any]] = problem.fields.get("flaws") or []
    for flaw in flaws:
        field = str(flaw["field"]).split(".")[0].split("[")[0]
        form.wrong(FIELDS.get(field, field), desk.say(f"{flaw['reason']} {flaw['mend']}"))
    if not flaws:
        form.wrong("slug", desk.say(problem.detail))


async def _form_page(desk: Desk, kind: Kind, form: Form, slug: str, status: int = 200) -> ASGIResponse:
    return desk.page(
        "content/range_form.html",
        status=status,
        kind=kind,
        form=form,
        slug=slug,
        languages=[(code, NAMES[code]) for code in LANGUAGES],
        choices=await kind.choices(desk),
    )
