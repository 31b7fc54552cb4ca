"""Makes a list: asks search, reads the cards, prices them, and puts the filters around them."""

import msgspec

from nightmarket.discovery.contract import Ask, Filters, Found, Hit, Sort
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import WareView, wares_of
from nightmarket.kernel.money import minor_digits

from .asking import Asked, address, pairs
from .views import Chip, Listing, chips_of, facets_of, pages_of, sorts_of, total_of

POPULAR = 8
"""Goods that an empty list shows instead."""


class Scope(msgspec.Struct, frozen=True):
    """What a page's list is about: a facet (`category`, `brand`, `merchant`) and one of its values."""

    facet: str
    value: str


async def listing(store: Storefront, visit: Visit, path: str, asked: Asked, scope: Scope | None = None) -> Listing:
    """The list at an address. Other rooms may use it for lists of their own, such as a brand's goods:
    `listing(store, visit, "/brands/nord", read(query, ()), Scope("brand", "nord"))`, shown by `search/listing.html`."""
    directory = await store.directory()
    within = (scope.facet, scope.value) if scope else None
    merchant = directory.merchant_by_slug(_one_merchant(asked, scope))
    found = await store.shop.search.search(
        Ask(
            text=asked.text,
            language=visit.language,
            currency=visit.currency,
            filters=asked.filters(minor_digits(visit.currency)),
            scope=within,
            merchant=merchant.id if merchant else None,
            sort=asked.sort,
            page=asked.page,
            exact=asked.exact,
        )
    )
    pages = pages_of(found)
    right = msgspec.structs.replace(asked, text=found.text) if found.corrected else asked
    digits = minor_digits(visit.currency)
    return Listing(
        path=path,
        asked=asked,
        found=found,
        wares=await _wares(store, visit, found.hits),
        facets=facets_of(visit, directory, found, within),
        chips=chips_of(visit, directory, path, asked, found),
        sorts=sorts_of(visit, asked),
        total=total_of(found, visit),
        pages=pages,
        previous=address(path, right.on_page(asked.page - 1)) if asked.page > 1 else None,
        following=address(path, right.on_page(asked.page + 1)) if asked.page < pages else None,
        plain=address(path, asked.without_filters()),
        kept=pairs(Asked(text=asked.text, exact=asked.exact)),
        price_hint=_bounds(visit, found, digits),
        corrected_from=asked.text if found.corrected else None,
        as_typed=address(path, msgspec.structs.replace(asked, exact=True, page=1)),
        popular=() if found.hits else await _popular(store, visit),
        nearest=[
            Chip(word, address("/search", Asked(text=word))) for word in dict.fromkeys(found.nearest) if not found.hits
        ],
    )


def _one_merchant(asked: Asked, scope: Scope | None) -> str:
    if scope is not None and scope.facet == "merchant":
        return scope.value
    chosen = asked.terms.get("merchant", ())
    return chosen[0] if len(chosen) == 1 else ""


def _bounds(visit: Visit, found: Found, digits: int) -> tuple[str, str] | None:
    """The lowest and the highest price there is, as whole numbers around them."""
    if found.least is None or found.most is None:
        return None
    unit = 10**digits
    return visit.formats.number(found.least // unit), visit.formats.number(-(-found.most // unit))


async def _wares(store: Storefront, visit: Visit, hits: tuple[Hit, ...]) -> list[WareView]:
    """Cards of what was found; what several merchants sell says so."""
    cards = await store.shop.catalog.cards_of([hit.product for hit in hits])
    places = {card.product: place for place, card in enumerate(cards)}
    wares = await wares_of(store.shop, visit, cards)
    found: list[WareView] = []
    for hit in hits:
        if hit.product not in places:
            continue
        ware = wares[places[hit.product]]
        if hit.merchants > 1:
            ngettext = visit.translations.ungettext
            words = ngettext("from %(num)s merchant", "from %(num)s merchants", hit.merchants)
            ware = msgspec.structs.replace(ware, merchant=words % {"num": visit.formats.number(hit.merchants)})
        found.append(ware)
    return found


async def _popular(store: Storefront, visit: Visit) -> list[WareView]:
    ask = Ask(
        language=visit.language,
        currency=visit.currency,
        filters=Filters(in_stock=True),
        sort=Sort.BEST_SELLING,
        hits=POPULAR,
        facets=False,
    )
    return await _wares(store, visit, (await store.shop.search.search(ask)).hits)
