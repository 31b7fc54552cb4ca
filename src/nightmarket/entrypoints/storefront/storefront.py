"""What the pages of the shop share: the site, who sells here, and what every page shows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY, Shop
from nightmarket.catalog.contract import Attribute, Brand, Category, Merchant, MerchantState
from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.gathered import Renewed

from .bodies import Bodies
from .carts import Carts
from .levels import Levels
from .watching import StockWatch

FOLDER = Path(__file__).parent
DIRECTORY_SECONDS = 10
"""How long a process remembers who sells here and in which currencies."""

CURRENCY_SAMPLE = 200
"""Products that are looked at to find the currencies that the shop has prices in."""

MAX_CURRENCIES = 8
MAX_MAIN_CATEGORIES = 10
GOODS_TREE = "goods"
"""The tree of categories in which each product stands once; others are further ways in."""


class Directory(msgspec.Struct, frozen=True):
    """Merchants (closed ones too, for old orders), categories, brands, attributes and currencies, as of an instant.

    `number` changes with what it says, so that pages made with an older one are known.
    """

    at: datetime
    number: int
    merchants: Mapping[UUID, Merchant]
    categories: Mapping[str, Category]
    brands: Mapping[str, Brand]
    attributes: Mapping[str, Attribute]
    currencies: tuple[str, ...]
    written: Mapping[str, int]
    """Versions of the pages of words, which foot and front page show."""
    plans: int = 0
    """Counts the changes of festivals and switches that this process has heard of."""

    @property
    def stalls(self) -> list[Merchant]:
        """Who sells here now."""
        return [one for one in self.merchants.values() if one.state == MerchantState.OPEN]

    @property
    def sellers(self) -> list[UUID]:
        """The ids of who sells here now."""
        return [one.id for one in self.stalls]

    def merchant_by_slug(self, slug: str) -> Merchant | None:
        """One who sells here now."""
        return next((one for one in self.stalls if one.slug == slug), None)

    def path_to(self, category: str) -> list[Category]:
        """The category and those above it, the widest first."""
        path: list[Category] = []
        found = self.categories.get(category)
        while found is not None and found not in path:
            path.insert(0, found)
            found = self.categories.get(found.parent or "")
        return path

    @property
    def main_categories(self) -> list[Category]:
        """The first shelves of the tree of goods, as many as fit above a page."""
        return [one for one in self.below(None) if one.tree == GOODS_TREE][:MAX_MAIN_CATEGORIES]

    def below(self, category: str | None) -> list[Category]:
        return [one for one in self.categories.values() if one.parent == category]


def id_of(prefix: str, text: str) -> UUID:
    """The id in a page's address; what cannot be one leads nowhere."""
    try:
        return decode(prefix, text)
    except InvalidInput:
        raise NotFound("There is nothing at this address.") from None


class Storefront:
    """One per process; handlers get it as a dependency."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.shop: Shop = site.shop
        self.carts = Carts(site)
        self.levels = Levels(site.shop)
        self.bodies = Bodies(site, self.carts, self.levels)
        self.watch = StockWatch(site.shop, self.levels, self.bodies)
        site.shop.on_change.extend((self.bodies.forget, self.watch.forget))
        site.shop.hints.hear.extend((self.levels.forget, self.watch.hurry))
        if site.as_of is None:  # a dry run lasts a minute, and what it knows goes with it
            site.shop.festivals.on_change.append(self._replanned)
            site.shop.switches.on_change.append(self._replanned)
            site.shop.gates.on_change.extend((self.bodies.forget, self.watch.forget))
        self._plans = 0
        self._before: Directory | None = None
        self._directory = Renewed(self._read, site.shop.clock, timedelta(seconds=DIRECTORY_SECONDS))

    async def directory(self) -> Directory:
        return await self._directory.get()

    def _replanned(self) -> None:
        """A festival or a switch changed: what is known is read again, and kept pages with it."""
        self._plans += 1
        self._directory.forget()

    async def _read(self) -> Directory:
        known, now = self._before, self.shop.clock.now()
        catalog = self.shop.catalog
        amounts: dict[str, int] = {CURRENCY: 0}
        for card in await catalog.cards(limit=CURRENCY_SAMPLE):
            for currency in card.prices_from:
                amounts[currency] = amounts.get(currency, 0) + 1
        currencies = sorted(amounts, key=lambda code: (-amounts[code], code != CURRENCY, code))[:MAX_CURRENCIES]
        found = Directory(
            at=now,
            number=known.number if known else 1,
            merchants={one.id: one for one in await catalog.merchants()},
            categories={one.slug: one for one in await catalog.categories()},
            brands={one.slug: one for one in await catalog.brands()},
            attributes={one.key: one for one in await catalog.attributes()},
            currencies=tuple(currencies),
            written={slug: page.version for slug, page in self.shop.pages.current().items()},
            plans=self._plans,
        )
        if known is not None and found != msgspec.structs.replace(known, at=now):
            found = msgspec.structs.replace(found, number=found.number + 1)
        self._before = found
        return found

    async def page(self, visit: Visit, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
        """A page of the shop, with what its head and foot show."""
        directory = await self.directory()
        return self.site.page(
            visit,
            template if "/" in template else f"shop/{template}",
            status=status,
            directory=directory,
            cart_units=self.carts.units(visit),
            demo=self.shop.settings.demo,
            **words,
        )


TheStore: TypeAlias = NamedDependency[Storefront]
"""Annotate a route's `store` with this."""
