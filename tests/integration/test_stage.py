"""Pages of words: saved as versions, never overwritten unseen, and harmless whatever is written in them."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.stage.contract import MAX_BODY_LETTERS, Page, PageText
from nightmarket.stage.errors import PageChanged, PageRefused
from nightmarket.stage.handlers import StoredPages
from nightmarket.stage.model import to_html

NIGHT = datetime(2026, 11, 11, tzinfo=UTC)
ABOUT = Page("about", {"en": PageText("About", "Lamps and *tea*.")}, True, 0, NIGHT, "Test Writer")


@pytest.fixture
async def database(fresh_database: str) -> AsyncGenerator[Database]:
    opened = await Database.open(fresh_database)
    yield opened
    await opened.close()


@pytest.fixture
def pages(database: Database, ids: SeededIds) -> StoredPages:
    return StoredPages(database, Facts(ids))


async def saved(database: Database, pages: StoredPages, page: Page, clock: VirtualClock) -> Page:
    async with database.transaction() as tx:
        made = await pages.save(tx, page, clock.now())
    await pages.refresh()
    return made


@pytest.mark.engine
async def test_versions_are_added_and_the_newest_shows(
    database: Database, pages: StoredPages, clock: VirtualClock
) -> None:
    """What is saved is shown; what was stays, and saving it again brings it back."""
    first = await saved(database, pages, ABOUT, clock)
    second = await saved(
        database, pages, msgspec.structs.replace(first, texts={"en": PageText("About us", "New.")}), clock
    )
    assert pages.current() == {"about": second}
    async with database.read() as connection:
        assert [one.version for one in await pages.versions(connection, "about")] == [2, 1]
    back = await saved(database, pages, msgspec.structs.replace(first, version=second.version), clock)
    assert pages.current()["about"].texts == ABOUT.texts
    assert back.version == 3


@pytest.mark.engine
async def test_who_comes_second_is_told(database: Database, pages: StoredPages, clock: VirtualClock) -> None:
    """Two who saw the same version: one saves, the other is told, and the first one's words stand."""
    first = await saved(database, pages, ABOUT, clock)
    mine = await saved(database, pages, msgspec.structs.replace(first, listed=False), clock)
    with pytest.raises(PageChanged):
        await saved(database, pages, first, clock)
    assert pages.current() == {"about": mine}


@pytest.mark.engine
@pytest.mark.parametrize(
    ("page", "field"),
    [
        (msgspec.structs.replace(ABOUT, slug="../about"), "slug"),
        (msgspec.structs.replace(ABOUT, slug=""), "slug"),
        (msgspec.structs.replace(ABOUT, texts={"de": PageText("Über", "Lampen")}), "title_en"),
        (msgspec.structs.replace(ABOUT, texts={"en": PageText("", "Lamps")}), "title_en"),
        (msgspec.structs.replace(ABOUT, texts={"en": PageText("About", " ")}), "body_en"),
        (msgspec.structs.replace(ABOUT, texts={"en": PageText("About", "x" * (MAX_BODY_LETTERS + 1))}), "body_en"),
        (msgspec.structs.replace(ABOUT, texts={**ABOUT.texts, "xx": PageText("About", "x")}), "slug"),
    ],
)
async def test_unfit_words_are_refused(
    database: Database, pages: StoredPages, clock: VirtualClock, page: Page, field: str
) -> None:
    """Each bound is held, the field is named, and nothing is written."""
    with pytest.raises(PageRefused) as refusal:
        await saved(database, pages, page, clock)
    assert refusal.value.field == field
    await pages.refresh()
    assert pages.current() == {}


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html,<script>alert(1)</script>)",
        "![pixel](https://elsewhere.example/pixel.gif)",
        '<https://example.org/"onmouseover=alert(1)>',
        "<div style='position:fixed'>",
    ],
)
def test_nothing_written_runs_or_loads(body: str) -> None:
    """Tags come out as text, links lead only to harmless schemes, and no picture is loaded."""
    html = to_html(body)
    assert "<script" not in html
    assert "<img" not in html
    assert "<div" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert '"onmouseover' not in html


@given(st.text(max_size=400))
def test_any_text_becomes_html_without_foreign_tags(body: str) -> None:
    """Whatever is typed, only tags of CommonMark come out, and headings begin below the page's own."""
    html = to_html(body)
    allowed = {"p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "em", "strong", "code", "pre", "a", "hr", "br"}
    allowed.add("blockquote")
    tags = {part.split(">")[0].split()[0].strip("/") for part in html.split("<")[1:]}
    assert tags <= allowed


def test_a_text_is_rendered_once() -> None:
    """Anybody may ask for a page again and again: even a text that takes long to read costs its time once."""
    unlucky = "[" * 5_000
    to_html.cache_clear()
    assert to_html(unlucky) == to_html(unlucky)
    assert (to_html.cache_info().misses, to_html.cache_info().hits) == (1, 1)
