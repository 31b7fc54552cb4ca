"""The page of a brand: its story, its goods, and how to follow it."""

from typing import Any

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.bodies import Key, Made
from nightmarket.entrypoints.storefront.frames import Gaps
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import Shelf
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.http import ASGIScope, Response

GOODS_SHOWN = 60
MAX_SLUG = 200


class BrandPages:
    """Answers for the pages of brands. One per process."""

    def __init__(self, store: Storefront) -> None:
        self._store = store

    async def answer(self, scope: ASGIScope, _: bytes, slug: str) -> Response:
        """GET /brands/{slug}"""
        if not slug.isprintable() or len(slug) > MAX_SLUG:
            raise NotFound("There is no such brand.")
        visit = await self._store.site.visit(scope)
        key = Key(f"/brands/{slug}", "", visit.language, visit.currency, "")

        async def make(nobody: Visit, gaps: Gaps) -> Made:
            return await self._make(slug, nobody, gaps)

        return await self._store.bodies.answer(visit, key, await self._store.directory(), make)

    async def _make(self, slug: str, visit: Visit, gaps: Gaps) -> Made:
        store, catalog = self._store, self._store.shop.catalog
        brand = (await store.directory()).brands.get(slug) or await catalog.brand(slug)
        if brand is None:
            raise NotFound("There is no such brand.")
        found = await catalog.cards(brand=slug, limit=GOODS_SHOWN + 1)
        cards = list({card.master or card.product: card for card in reversed(found[:GOODS_SHOWN])}.values())[::-1]
        levels = await store.levels.read([tally for card in cards for tally in card.tallies])
        shelf = Shelf(store.shop, visit, levels, gaps)
        words: dict[str, Any] = {
            "brand": brand,
            "wares": await shelf.counted(lambda it: [it.ware(card) for card in cards], store.levels.read),
            "more": len(found) > GOODS_SHOWN,
            "stalls": sorted({(card.merchant_name, card.merchant) for card in found}),
            "origin": store.shop.settings.address,
        }
        return Made("goods/brand.html", words, shelf.levels, frozenset(card.product for card in cards))
