"""Pages of words: which there are, how one is written, previewed, saved as a version and brought back."""

from collections.abc import Mapping

import msgspec
from litestar.response.base import ASGIResponse
from markupsafe import Markup

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import NAMES, say_later
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import NotFound, Problem
from nightmarket.stage.contract import Page, PageText
from nightmarket.stage.errors import PageRefused

from .words import KNOWN, refusal

PATH = "/console/texts"


class Preview(msgspec.Struct, frozen=True):
    """A language of a page as shoppers will see it."""

    language: str
    name: str
    title: str
    body: Markup


async def show_list(desk: Desk) -> ASGIResponse:
    """Every page that there is, and those that every shop has."""
    pages = desk.shop.pages.current()
    rows = [(slug, pages.get(slug), desk.say(words)) for slug, words in KNOWN.items()]
    rows += [(slug, page, "") for slug, page in sorted(pages.items()) if slug not in KNOWN]
    return desk.page("content/texts.html", rows=rows, languages=LANGUAGES)


async def show_new(desk: Desk) -> ASGIResponse:
    """An empty page."""
    return await _form_page(desk, Form({"version": "0", "listed": "on"}), slug="")


async def create(desk: Desk) -> ASGIResponse:
    """Save a page that is new."""
    form = await desk.form()
    return await _save(desk, form, form.get("slug"), new=True)


async def show(desk: Desk) -> ASGIResponse:
    """The page in its languages; with `version`, as it was."""
    slug = desk.part("slug")
    page = desk.shop.pages.current().get(slug)
    if page is None and slug not in KNOWN:
        raise NotFound("There is no such page.")
    newest = page.version if page else 0
    asked = desk.query("version")
    if page is not None and asked.isascii() and asked.isdigit() and int(asked[:9]) != newest:
        async with desk.shop.database.read() as connection:
            versions = await desk.shop.pages.versions(connection, slug)
        page = next((one for one in versions if one.version == int(asked[:9])), page)
    return await _form_page(desk, _form_of(page, newest), slug)


async def save(desk: Desk) -> ASGIResponse:
    """Save what was written as the next version, or show how it will look."""
    slug = desk.part("slug")
    if slug not in desk.shop.pages.current() and slug not in KNOWN:
        raise NotFound("There is no such page.")
    return await _save(desk, await desk.form(), slug, new=False)


async def _save(desk: Desk, form: Form, slug: str, *, new: bool) -> ASGIResponse:
    page = Page(slug, _texts(form), form.get("listed") == "on", form.number("version", 0), desk.now, desk.actor.name)
    shown = "" if new else slug
    if form.get("action") == "preview":
        return await _form_page(desk, form, shown, previews=_previews(desk, page.texts))
    if new and slug in desk.shop.pages.current():
        form.wrong("slug", desk.say(say_later("There is a page with this address; open it in the list.")))
        return await _form_page(desk, form, shown, status=409)
    try:
        async with desk.acting("texts.save", slug, f"version {page.version + 1}") as tx:
            await desk.shop.pages.save(tx, page, desk.now)
    except Problem as problem:
        form.wrong(problem.field or "title_en", refusal(desk, problem))
        if not isinstance(problem, PageRefused):
            await desk.shop.pages.refresh()
            newest = desk.shop.pages.current().get(slug)
            form.values["version"] = str(newest.version if newest else 0)
        return await _form_page(desk, form, shown, status=problem.status)
    await desk.shop.pages.refresh()
    return desk.redirect(f"{PATH}/{slug}?done=text-saved")


def _texts(form: Form) -> dict[str, PageText]:
    """What was written; a language with neither title nor text is left out."""
    found: dict[str, PageText] = {}
    for language in LANGUAGES:
        title, body = form.get(f"title_{language}"), form.values.get(f"body_{language}", "").replace("\r\n", "\n")
        if title or body.strip():
            found[language] = PageText(title, body)
    return found


def _previews(desk: Desk, texts: Mapping[str, PageText]) -> list[Preview]:
    return [
        Preview(code, NAMES[code], text.title, Markup(desk.shop.pages.rendered(text.body)))  # noqa: S704 (the stage escapes it)
        for code, text in texts.items()
    ]


def _form_of(page: Page | None, newest: int) -> Form:
    values = {"version": str(newest), "listed": "on" if page is None or page.listed else ""}
    texts: Mapping[str, PageText] = page.texts if page else {}
    for language, text in texts.items():
        values |= {f"title_{language}": text.title, f"body_{language}": text.body}
    return Form(values)


async def _form_page(
    desk: Desk, form: Form, slug: str, *, previews: list[Preview] | None = None, status: int = 200
) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        versions = await desk.shop.pages.versions(connection, slug) if slug else ()
    return desk.page(
        "content/text.html",
        status=status,
        form=form,
        slug=slug,
        name=desk.say(KNOWN[slug]) if slug in KNOWN else slug,
        address="/" if slug == "festival" else f"/{slug}" if slug in KNOWN else f"/pages/{slug}",
        languages=[(code, NAMES[code]) for code in LANGUAGES],
        previews=previews or [],
        versions=versions,
    )
