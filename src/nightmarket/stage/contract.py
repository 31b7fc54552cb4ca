"""What others may ask of the stage: the texts of the shop's pages, as its people wrote them in each language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

import msgspec

from nightmarket.platform.database import Connection

MAX_SLUG_LETTERS = 60
MAX_TITLE_LETTERS = 120
MAX_BODY_LETTERS = 50_000
MAX_PAGES = 200
VERSIONS_SHOWN = 50
FIXED = frozenset({"terms", "privacy", "festival"})
"""Pages that every shop has, at addresses of their own; the festival's name and promise stand on the front page."""


class PageText(msgspec.Struct, frozen=True):
    """A page's words in one language. `body` is CommonMark; HTML inside it is shown as text."""

    title: str
    body: str


class Page(msgspec.Struct, frozen=True):
    """A page as it stands: its words by language, whether the foot of the shop names it, and which version this is."""

    slug: str
    texts: Mapping[str, PageText]
    listed: bool
    version: int
    written_at: datetime
    written_by: str


class PageSaved(msgspec.Struct, frozen=True):
    """Fact: a page's words changed."""

    kind: ClassVar[str] = "stage.page_saved"
    slug: str
    version: int


class Pages(Protocol):
    """Implemented in `handlers.py`, joined in bootstrap."""

    def current(self) -> Mapping[str, Page]:
        """Every page by slug, from this process's memory, which `refresh` renews."""
        ...

    def listed(self) -> Sequence[Page]:
        """The pages that the foot of the shop names, in order of their address; those with an address of their own
        (FIXED) are not among them."""
        ...

    async def refresh(self) -> None:
        """Read them anew; called at start and by the follower of `stage.page_saved`."""
        ...

    async def save(self, tx: Connection, page: Page, now: datetime) -> Page:
        """Write `page` as the version after `page.version`, which must be the newest (0 for a new page).

        Raises PageRefused for words that are not fit, PageChanged when someone else was faster.
        """
        ...

    async def versions(self, connection: Connection, slug: str) -> Sequence[Page]:
        """The versions of a page, the newest first, at most VERSIONS_SHOWN."""
        ...

    def rendered(self, body: str) -> str:
        """The body as HTML that is safe to show: tags in it are escaped, links lead to http(s), mailto or this shop."""
        ...
