"""UCP's catalogue: search, lookup by identifiers, and one product with its choices."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from litestar import Controller, Request, post
from litestar.exceptions import ClientException
from litestar.params import JSONBody
from msgspec import UNSET

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Product, Variant
from nightmarket.discovery.contract import CATEGORY, PAGES, Ask, Filters
from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.ids import decode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput, NotFound, Problem

from . import catalog_wire as wire
from .api import UcpApi
from .catalog_goods import View, is_available, is_shown, labels_of, selection_of, shown, tallies_of
from .routes import PREFIX, REFUSALS, api_of, refused, unread
from .signed import check_asked
from .translate import Translator, capabilities
from .wire import VERSION, Context, ErrorAnswer, Message, Meta

Asked = Request[Any, Any, Any]
SEARCH = Meta(VERSION, "success", capabilities("catalog.search"))
LOOKUP = Meta(VERSION, "success", capabilities("catalog.lookup"))


class RequestTooLarge(InvalidInput):
    """More identifiers than one lookup takes."""

    code = "request_too_large"


class Goods:
    """The catalogue as agents see it."""

    def __init__(self, shop: Shop, language: str) -> None:
        self._shop = shop
        self._language = language

    async def search(self, asked: wire.SearchRequest) -> wire.Found:
        filters = asked.filters or wire.FilterRequest()
        view = self._view(asked.context, filters)
        if not asked.query.strip() and asked.filters is None:
            raise InvalidInput("Say what to search for: a query, or filters.", field="query")
        page = asked.pagination or wire.PageRequest()
        limit, number = min(page.limit, wire.MAX_PAGE), _page(page.cursor)
        found = await self._shop.search.search(
            Ask(
                text=asked.query,
                language=view.language,
                currency=view.currency,
                filters=Filters(
                    terms={CATEGORY: tuple(filters.categories)} if filters.categories else {},
                    least=view.least,
                    most=view.most,
                ),
                page=number,
                hits=limit,
            )
        )
        goods, view = await self._read([hit.product for hit in found.hits], view)
        products = [
            shown(product, variants, view)
            for product in goods
            if (variants := [one for one in product.variants if view.shows(one)])
        ]
        more = number * limit < found.total and number < PAGES
        cursor = str(number + 1) if more else UNSET
        return wire.Found(SEARCH, products, wire.Pagination(more, found.total, cursor))

    async def lookup(self, asked: wire.LookupRequest) -> wire.LookedUp:
        ids = list(dict.fromkeys(asked.ids))
        if len(ids) > wire.MAX_IDS:
            raise RequestTooLarge(f"At most {wire.MAX_IDS} identifiers fit into one lookup.", field="ids")
        view = self._view(asked.context, asked.filters)
        named = await self._resolve(ids)
        goods, view = await self._read([product for product, _ in named.values()], view)
        products = [found for product in goods if (found := _found(product, named, view)) is not None]
        led = {one.id for product in products for variant in product.variants for one in variant.inputs or ()}
        missing = [Message("info", f"Not found: {id}", "not_found") for id in ids if id not in led]
        return wire.LookedUp(LOOKUP, products, missing or UNSET)

    async def product(self, asked: wire.ProductRequest) -> wire.Detail:
        """Raises NotFound."""
        view = self._view(asked.context, asked.filters)
        named = await self._resolve([asked.id])
        goods, view = await self._read([product for product, _ in named.values()], view)
        offered = [variant for product in goods for variant in product.variants if view.shows(variant)]
        if not offered:
            raise NotFound(f"Product not found: {asked.id}", field="id")
        [product] = goods
        own = named[asked.id][1]
        exact = [variant for variant in offered if variant.id == own]
        wished = {} if exact else {one.name: one.label for one in asked.selected}
        fitting = exact or _fitting(offered, wished, view)
        featured = next((one for one in fitting if is_available(one, view)), fitting[0])
        selected = selection_of(featured, view)
        if wished:
            selected = {name: label for name, label in wished.items() if selected.get(name) == label}
        same = [one for one in offered if one is not featured and _fits(one, selected, view)]
        answer = shown(product, [featured, *same], view)
        answer.selected = [wire.SelectedOption(name, label) for name, label in selected.items()]
        answer.options = _choices(offered, selected, view) or UNSET
        return wire.Detail(LOOKUP, answer)

    def _view(self, context: Context | None, filters: wire.FilterRequest | None) -> View:
        context = context or Context()
        spoken = context.language.partition("-")[0].lower()
        currency = context.currency or self._shop.settings.currency
        if not known_currency(currency):
            raise InvalidInput(f"{currency[:10]!r} is not a currency; use ISO 4217.", field="context.currency")
        price = filters.price if filters else None
        language = spoken if spoken in LANGUAGES else self._language
        least, most = (price.min, price.max) if price else (None, None)
        return View(self._shop.settings.address, language, currency, {}, least, most)

    async def _resolve(self, ids: Sequence[str]) -> Mapping[str, tuple[UUID, UUID | None]]:
        """Product, and variant where it names one, of each identifier: ids of ours, `merchant:SKU`, or a handle."""
        found: dict[str, tuple[UUID, UUID | None]] = {}
        variants: dict[str, UUID] = {}
        to = Translator(self._shop.settings.address, {}, self._shop.settings.currency, self._shop.clock)
        for id in ids:
            with contextlib.suppress(InvalidInput):
                found[id] = decode("prd", id), None
                continue
            with contextlib.suppress(InvalidInput):
                variants[id] = to.variant_of(id, "ids")
                continue
            product = await self._shop.catalog.product(id)
            if product is not None:
                found[id] = product.id, None
        listings = await self._shop.catalog.listings(variants.values())
        found |= {id: (listings[one].product, one) for id, one in variants.items() if one in listings}
        return found

    async def _read(self, products: Sequence[UUID], view: View) -> tuple[list[Product], View]:
        """The products that may be shown, in that order, each once; the view knows what is left of them."""
        wanted = list(dict.fromkeys(products))
        async with self._shop.database.read() as connection:
            known = await self._shop.whole_goods.products(connection, wanted)
            goods = [known[id] for id in wanted if id in known and is_shown(known[id])]
            levels = await self._shop.tallies.levels(connection, tallies_of(goods))
        left = {tally: level.available for tally, level in levels.items()}
        return goods, View(view.address, view.language, view.currency, left, view.least, view.most)


def _page(cursor: str) -> int:
    if not cursor:
        return 1
    if not (cursor.isascii() and cursor.isdigit() and 1 <= int(cursor[:4]) <= PAGES and len(cursor) <= len(str(PAGES))):
        raise InvalidInput("That is not a cursor of ours; begin again without one.", field="pagination.cursor")
    return int(cursor)


def _found(product: Product, named: Mapping[str, tuple[UUID, UUID | None]], view: View) -> wire.Product | None:
    """A product of a lookup: the variants that were named, else the first that can be had."""
    mine = {id: variant for id, (owner, variant) in named.items() if owner == product.id}
    offered = [one for one in product.variants if view.shows(one)]
    if not offered:
        return None
    exact = [one for one in offered if one.id in mine.values()]
    featured = next((one for one in offered if is_available(one, view)), offered[0])
    by_product = [id for id, variant in mine.items() if variant is None]
    chosen = list(dict.fromkeys([one.id for one in exact] + ([featured.id] if by_product else [])))
    if not chosen:
        return None
    answer = shown(product, [one for one in offered if one.id in chosen], view)
    for variant, one in zip(answer.variants, (one for one in offered if one.id in chosen), strict=True):
        variant.inputs = [wire.Input(id, "exact") for id, named_one in mine.items() if named_one == one.id]
        if one is featured:
            variant.inputs += [wire.Input(id, "featured") for id in by_product]
    return answer


def _fitting(offered: Sequence[Variant], wished: Mapping[str, str], view: View) -> list[Variant]:
    """The variants that have the most of what is wished, given up from its end."""
    names = list(wished)
    while names:
        found = [one for one in offered if _fits(one, {name: wished[name] for name in names}, view)]
        if found:
            return found
        names.pop()
    return list(offered)


def _fits(variant: Variant, selected: Mapping[str, str], view: View) -> bool:
    own = selection_of(variant, view)
    return all(own.get(name) == label for name, label in selected.items())


def _choices(offered: Sequence[Variant], selected: Mapping[str, str], view: View) -> list[wire.Option]:
    """Each option with what would become of it, everything else staying as it is selected."""
    options: list[wire.Option] = []
    for name, labels in labels_of(offered, view).items():
        values: list[wire.OptionValue] = []
        for label in labels:
            fitting = [one for one in offered if _fits(one, {**selected, name: label}, view)]
            available = any(is_available(one, view) for one in fitting)
            values.append(wire.OptionValue(label, available, bool(fitting)))
        options.append(wire.Option(name, values))
    return options


class CatalogController(Controller):
    """Universal Commerce Protocol, catalogue, wire version 2026-04-08."""

    path = f"{PREFIX}/catalog"
    tags = ("UCP",)
    exception_handlers: ClassVar[Any] = {Problem: refused, ClientException: unread}
    before_request = check_asked

    @post("/search", operation_id="search_catalog", status_code=200, responses=REFUSALS)
    async def search(self, request: Asked, data: JSONBody[wire.SearchRequest], shop: TheShop) -> wire.Found:
        """Goods by words and filters."""
        return await (await _goods(shop, request, "catalog.search")).search(data)

    @post("/lookup", operation_id="lookup_catalog", status_code=200, responses=REFUSALS)
    async def lookup(self, request: Asked, data: JSONBody[wire.LookupRequest], shop: TheShop) -> wire.LookedUp:
        """Goods by identifiers: of products and variants, `merchant:SKU`, or handles."""
        return await (await _goods(shop, request, "catalog.lookup")).lookup(data)

    @post("/product", operation_id="get_product", status_code=200, responses=REFUSALS)
    async def product(
        self, request: Asked, data: JSONBody[wire.ProductRequest], shop: TheShop
    ) -> wire.Detail | ErrorAnswer:
        """One product, and what can be chosen of it."""
        try:
            return await (await _goods(shop, request, "catalog.lookup")).product(data)
        except NotFound as missing:
            return api_of(shop).error(missing)


async def _goods(shop: Shop, request: Asked, needed: str) -> Goods:
    """Raises as `agree`, and InvalidInput for NUL: no database keeps it, so nothing here could be called by it."""
    if rb"\u0000" in await request.body():
        raise InvalidInput("No text here holds the sign NUL.")
    api: UcpApi = api_of(shop)
    await api.agree(request.scope, needed)
    return Goods(shop, api.language(request.scope))
