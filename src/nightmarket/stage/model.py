"""What makes a page's words fit, and how they become HTML. Pure."""

import re
from functools import lru_cache

from markdown_it import MarkdownIt

from nightmarket.kernel.languages import LANGUAGES

from .contract import MAX_BODY_LETTERS, MAX_SLUG_LETTERS, MAX_TITLE_LETTERS, Page
from .errors import PageRefused

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NEEDED = "en"
"""The language that stands in where another is missing."""

_READER = MarkdownIt("commonmark", {"html": False}).disable("image")
"""CommonMark without HTML and without pictures: no page loads anything from another host."""

_OUTER = re.compile(r"<(/?)h1>")


BODIES_KEPT = 100
"""Rendered texts that a process remembers: reading an unlucky one takes seconds, and everybody may ask for its page."""


@lru_cache(maxsize=BODIES_KEPT)
def to_html(body: str) -> str:
    """CommonMark as HTML; first-level headings become second ones, since the page's title is the first."""
    return _OUTER.sub(r"<\1h2>", _READER.render(body))


def check(page: Page) -> None:
    """Raise PageRefused unless the page can be shown in every language."""
    if not SLUG.fullmatch(page.slug) or len(page.slug) > MAX_SLUG_LETTERS:
        raise PageRefused(
            f"An address has up to {MAX_SLUG_LETTERS} small letters, digits and single hyphens between them.",
            field="slug",
        )
    if NEEDED not in page.texts:
        raise PageRefused(
            "Write the page in English first; it stands in where a language is missing.", field="title_en"
        )
    for language, text in page.texts.items():
        if language not in LANGUAGES:
            raise PageRefused(f"There is no language {language!r} here.", field="slug")
        if not 1 <= len(text.title) <= MAX_TITLE_LETTERS or not text.title.isprintable():
            raise PageRefused(f"A title has 1 to {MAX_TITLE_LETTERS} visible letters.", field=f"title_{language}")
        if not len(text.body.strip()) >= 1 or len(text.body) > MAX_BODY_LETTERS or "\x00" in text.body:
            raise PageRefused(
                f"Write 1 to {MAX_BODY_LETTERS} letters, or leave title and text of a language empty.",
                field=f"body_{language}",
            )
