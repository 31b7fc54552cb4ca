"""What the pages of the shop share: the site, who sells here, and what every page shows."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY, Shop
from nightmarket.catalog.contract import Category, Merchant
from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, NotFound

from .carts import Carts

FOLDER = Path(__file__).parent
DIRECTORY_SECONDS = 10
"""How long a process remembers who sells here and in which currencies."""

CURRENCY_SAMPLE = 200
"""Products that are looked at to find the currencies that the shop has prices in."""

MAX_CURRENCIES = 8


class Directory(msgspec.Struct, frozen=True):
    """Merchants, categories and currencies, as of an instant."""

    at: datetime
    merchants: Mapping[UUID, Merchant]
    categories: Mapping[str, Category]
    currencies: tuple[str, ...]

    def merchant_by_slug(self, slug: str) -> Merchant | None:
        return next((one for one in self.merchants.values() if one.slug == slug), None)

    def path_to(self, category: str) -> list[Category]:
        """The category and those above it, the widest first."""
        path: list[Category] = []
        found = self.categories.get(category)
        while found is not None and found not in path:
            path.insert(0, found)
            found = self.categories.get(found.parent or "")
        return path

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
        self._directory: Directory | None = None
        self._reading = asyncio.Lock()

    async def directory(self) -> Directory:
        now = self.shop.clock.now()
        known = self._directory
        if known is not None and now - known.at < timedelta(seconds=DIRECTORY_SECONDS):
            return known
        async with self._reading:
            if self._directory is known:
                self._directory = await self._read(now)
            assert self._directory is not None
            return self._directory

    async def _read(self, now: datetime) -> Directory:
        catalog = self.shop.catalog
        amounts: dict[str, int] = {CURRENCY: 0}
        for card in await catalog.cards(limit=CURRENCY_SAMPLE):
            for currency in card.prices_from:
                amounts[currency] = amounts.get(currency, 0) + 1
        currencies = sorted(amounts, key=lambda code: (-amounts[code], code != CURRENCY, code))[:MAX_CURRENCIES]
        return Directory(
            at=now,
            merchants={one.id: one for one in await catalog.merchants()},
            categories={one.slug: one for one in await catalog.categories()},
            currencies=tuple(currencies),
        )

    async def page(self, visit: Visit, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
        """A page of the shop, with what its head and foot show."""
        directory = await self.directory()
        return self.site.page(
            visit,
            f"shop/{template}",
            status=status,
            directory=directory,
            cart_units=self.carts.units(visit),
            demo=self.shop.settings.demo,
            **words,
        )


TheStore: TypeAlias = NamedDependency[Storefront]
"""Annotate a route's `store` with this."""
