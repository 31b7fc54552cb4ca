"""How goods look to a shopper: pictures, prices with the offers that hold right now, and true stock."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar
from uuid import UUID

import msgspec
from markupsafe import Markup

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Card, Listing, Media, Merchant, Product, Rival, Texts, Variant
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import Book, Offer, PriceCart, PriceLine, Shopper, limits_met, price
from nightmarket.promotions.contract.asking import OffersById, Window, announced
from nightmarket.promotions.contract.campaigns import Reduction
from nightmarket.tally.contract import Level

from .frames import Gaps
from .quotas import quota_id, quota_tallies

FEW = 9
"""From here down the number of units left is said; above, it would only be noise."""

SCARCE_SHARE = 5
"""Stock is scarce when at most one in so many of all units is left; then a bar shows how much."""

MAX_COMING = 20
"""Offers that begin soon of which a page looks at the prices."""

NEVER = Level(0, 0, 0)
NO_VARIANTS: Mapping[str, UUID] = {}

T = TypeVar("T")
Reader = Callable[[Iterable[UUID]], Awaitable[Mapping[UUID, Level]]]
"""Reads how tallies stand."""

CUTOUT_WIDTH = 300
"""Pictures up to this width are drawings without ground, set into a tinted field; wider ones are photos."""

WIDTHS = (192, 384, 768, 1200)


class PictureView(msgspec.Struct, frozen=True):
    """A picture as the template `picture` takes it."""

    image: str
    width: int
    height: int
    colour: str
    srcset: str
    photo: bool
    alt: str = ""


class StockView(msgspec.Struct, frozen=True):
    """What is left, as the tallies say at this moment. `id` names the variant or product; `capacity` is all there was.

    In a page that is kept for everyone `gaps` is where the words go when it is sent; only `out` may decide its shape.
    """

    id: str
    left: int
    capacity: int = 0
    gaps: Gaps | None = None

    @property
    def out(self) -> bool:
        return self.left <= 0

    @property
    def few(self) -> bool:
        return 0 < self.left <= FEW

    @property
    def scarce(self) -> bool:
        return self.few or 0 < self.left * SCARCE_SHARE <= self.capacity

    @property
    def share(self) -> int:
        """Per cent of all units that are left, at least one while there is any."""
        return max(1, min(100, 100 * self.left // self.capacity)) if self.capacity and self.left > 0 else 0

    def gap(self, style: str) -> Markup:
        """Where the words of that style go later; only for a view with gaps."""
        assert self.gaps is not None
        return self.gaps.stock(self.id, style)


def whole_of(listed: int, amount: int, before: int | None) -> int | None:
    """The price that a reduction to `amount` is announced against: the lowest of the thirty days `before` it (Directive
    98/6/EC, article 6a; CJEU C-330/23), or the list price where that is less. None where it is not known or not above:
    then there is no reduction to announce."""
    whole = None if before is None else min(listed, before)
    return whole if whole is not None and whole > amount else None


class ShelfPrice(msgspec.Struct, frozen=True):
    """What one unit costs now, and what it is listed at where an offer takes something off."""

    amount: int
    currency: str
    listed: int
    offer: dict[str, str] | None = None
    until: datetime | None = None
    quota: StockView | None = None
    """What is left of the offer, where only so many can have it."""
    before: int | None = None
    """The lowest that one unit cost anyone in the thirty days before the last of the offers began, where known."""

    @property
    def whole(self) -> int | None:
        """What the reduction is announced against, if it may be."""
        return whole_of(self.listed, self.amount, self.before)

    @property
    def off(self) -> int:
        """Whole per cent off `whole`, rounded down, so that it is never more than true; in basis points."""
        return 100 * (self.whole - self.amount) // self.whole * 100 if self.whole else 0


class Coming(msgspec.Struct, frozen=True):
    """A price that begins later. `words` say when, in the zone of what it belongs to."""

    price: ShelfPrice
    starts_at: datetime
    words: str


class WareView(msgspec.Struct, frozen=True):
    """A product in a grid."""

    id: str
    slug: str
    title: str
    merchant: str
    picture: PictureView | None
    price: ShelfPrice | None
    other_price: ShelfPrice | None
    several: bool
    stock: StockView
    coming: Coming | None = None


class RivalView(msgspec.Struct, frozen=True):
    """The same thing at another merchant."""

    id: str
    slug: str
    merchant: Merchant
    label: str
    price: ShelfPrice | None
    other_price: ShelfPrice | None
    stock: StockView

    @property
    def order(self) -> tuple[bool, int, str]:
        """Sorts the cheapest first, and those without a price here last."""
        return self.price is None, self.price.amount if self.price else 0, self.merchant.name


class VariantView(msgspec.Struct, frozen=True):
    """A variant as a choice."""

    id: str
    sku: str
    label: str
    price: ShelfPrice | None
    other_price: ShelfPrice | None
    stock: StockView


def picture_of(media: Media | None, language: str) -> PictureView | None:
    if media is None:
        return None
    widths = [width for width in WIDTHS if width < media.width] + [
        next((width for width in WIDTHS if width >= media.width), WIDTHS[-1])
    ]
    return PictureView(
        image=media.image,
        width=media.width,
        height=media.height,
        colour=media.colour,
        srcset=", ".join(f"/media/{media.image}/{width} {min(width, media.width)}w" for width in dict.fromkeys(widths)),
        photo=media.width > CUTOUT_WIDTH,
        alt=pick(media.alt, language) or "",
    )


def small_picture(image: str | None) -> PictureView | None:
    """A picture of which only the hash is known, for a small square."""
    if image is None:
        return None
    return PictureView(image, 96, 96, "#8a84a8", f"/media/{image}/96 96w, /media/{image}/192 192w", photo=False)


class Shelf:
    """Prices and stock for the goods of one page."""

    def __init__(self, shop: Shop, visit: Visit, levels: Mapping[UUID, Level], gaps: Gaps | None = None) -> None:
        self._shop = shop
        self._book: Book = shop.books.current()
        self._now = shop.clock.now()
        self._visit = visit
        self._levels = dict(levels)
        self._met: set[UUID] = set()
        self._reduced: set[Reduction] = set()
        self._before: dict[Reduction, int | None] = {}
        self._gaps = gaps
        self._shopper = Shopper(visit.owner, language=visit.language)
        self._offers = OffersById(self._book)

    def stock(self, id: str, tallies: Iterable[UUID]) -> StockView:
        """What is left of the variant or product that these tallies count."""
        wanted = tuple(tallies)
        if self._gaps is not None:
            self._gaps.live(id, wanted)
        levels = [self._levels.get(tally, NEVER) for tally in wanted]
        left, capacity = sum(level.available for level in levels), sum(level.capacity for level in levels)
        return StockView(id, left, capacity, self._gaps)

    def price(self, line: PriceLine, currency: str, variant: UUID | None = None) -> ShelfPrice:
        """The price of one unit alone, with the offers that need nothing else. `variant` is whose past counts, where
        the line stands for a whole product."""
        cart = PriceCart(currency, (line,))
        while True:
            quote = price(cart, self._book, self._shopper, self._now)
            if not quote.applied:
                return ShelfPrice(quote.total, currency, line.unit_price)
            offers = [self._offers[one.offer] for one in quote.applied]
            gone = {offer.id for offer in offers if self._is_gone(offer, currency)}
            if not gone:
                quota = next((one for offer in offers if (one := self._quota(offer, currency))), None)
                first = offers[0]
                reduced = Reduction(variant or line.variant, currency, max(offer.starts_at for offer in offers))
                self._reduced.add(reduced)
                before = self._before.get(reduced)
                return ShelfPrice(quote.total, currency, line.unit_price, first.name, first.ends_at, quota, before)
            cart = msgspec.structs.replace(cart, without=cart.without | gone)

    def _is_gone(self, offer: Offer, currency: str) -> bool:
        """Whether all that there was of the offer is known to be taken; the cart and the claim decide."""
        tallies = quota_tallies(offer, currency)
        if not tallies:
            return False
        self._met.update(tallies)
        known = [(tally, self._levels[tally]) for tally in tallies if tally in self._levels]
        if known and self._gaps is not None:
            self._gaps.live(quota_id(offer, currency), (known[0][0],))
        return any(level.available <= 0 for _, level in known)

    def _quota(self, offer: Offer, currency: str) -> StockView | None:
        level = next((self._levels.get(tally) for tally in quota_tallies(offer, currency)), None)
        if level is None:
            return None
        return StockView(quota_id(offer, currency), level.available, level.capacity, self._gaps)

    async def counted(self, make: "Callable[[Shelf], T]", read: Reader) -> T:
        """What `make` makes of this shelf, once all is read that is left of the offers that it comes upon: one that is
        used up gives no price; and then what the goods that are reduced cost before, of all of them at once."""
        while True:
            self._reduced.clear()
            made = make(self)
            unread, unasked = self._met - self._levels.keys(), self._reduced - self._before.keys()
            if unread:
                self._levels.update(dict.fromkeys(unread, NEVER) | dict(await read(unread)))
            elif unasked:
                self._before.update(await self._shop.campaigns.lowest_before(unasked))
            else:
                return made

    @property
    def levels(self) -> Mapping[UUID, Level]:
        """All that was read for this page."""
        return self._levels

    def prices(
        self, amounts: Mapping[str, int], line: PriceLine, cheapest: Mapping[str, UUID] = NO_VARIANTS
    ) -> tuple[ShelfPrice | None, ShelfPrice | None]:
        """The price in the visit's currency, or else one in another, to be shown as such."""
        wanted = self._visit.currency
        chosen = wanted if wanted in amounts else next(iter(sorted(amounts)), None)
        if chosen is None:
            return None, None
        found = self.price(msgspec.structs.replace(line, unit_price=amounts[chosen]), chosen, cheapest.get(chosen))
        return (found, None) if chosen == wanted else (None, found)

    def ware(self, card: Card) -> WareView:
        ids = (card.product, card.product, card.merchant)
        line = PriceLine("1", *ids, card.category, card.brand, 1, 0, card.ancestors)
        here, elsewhere = self.prices(card.prices_from, line, card.cheapest)
        id = encode("prd", card.product)
        return WareView(
            id=id,
            slug=card.slug,
            title=pick(card.title, self._visit.language) or card.slug,
            merchant=card.merchant_name,
            picture=picture_of(card.media, self._visit.language),
            price=here,
            other_price=elsewhere,
            several=card.variants > 1,
            stock=self.stock(id, card.tallies),
        )

    def variant(self, product: Product, variant: Variant) -> VariantView:
        here, elsewhere = self.prices(variant.prices, _line(product, variant))
        id = encode("var", variant.id)
        return VariantView(
            id=id,
            sku=variant.sku,
            label=self._label(variant.options) or variant.sku,
            price=here,
            other_price=elsewhere,
            stock=self.stock(id, (lot.tally for lot in variant.stock)),
        )

    def variant_price(self, product: Product, variant: Variant) -> ShelfPrice | None:
        """What the variant costs in the visit's currency."""
        return self.prices(variant.prices, _line(product, variant))[0]

    def most_per_buyer(self, product: Product, variant: Variant) -> int | None:
        """How many of a variant one buyer may have, if that is limited now."""
        line = _line(product, variant)
        met = limits_met(PriceCart("", (line,)), self._book, self._now)
        return min((one.most for one in met), default=None)

    def rival(self, rival: Rival, listing: Listing) -> RivalView:
        """What another merchant asks for the same thing."""
        ids = (rival.variant, listing.product, listing.merchant)
        line = PriceLine("1", *ids, listing.category, listing.brand, 1, 0, listing.ancestors)
        here, elsewhere = self.prices(rival.prices, line)
        id = encode("var", rival.variant)
        return RivalView(
            id=id,
            slug=rival.product_slug,
            merchant=rival.merchant,
            label=self._label(listing.options),
            price=here,
            other_price=elsewhere,
            stock=self.stock(id, (lot.tally for lot in rival.stock)),
        )

    def listing_price(self, listing: Listing) -> ShelfPrice | None:
        """What a variant costs of which only the listing is known."""
        ids = (listing.variant, listing.product, listing.merchant)
        line = PriceLine("1", *ids, listing.category, listing.brand, 1, 0, listing.ancestors)
        return self.prices(listing.prices, line)[0]

    def listing_stock(self, listing: Listing) -> StockView:
        return self.stock(encode("var", listing.variant), (lot.tally for lot in listing.stock))

    def _label(self, options: Mapping[str, Texts]) -> str:
        return ", ".join(pick(texts, self._visit.language) or "" for texts in options.values())

    def at(self, instant: datetime) -> "Shelf":
        """The same shelf at another time."""
        other = copy(self)
        other._now = instant
        return other

    def holding(self, *entitlements: str) -> "Shelf":
        """The same shelf for who holds these."""
        other = copy(self)
        other._shopper = msgspec.structs.replace(self._shopper, entitlements=frozenset(entitlements))
        return other

    def beginning_within(self, span: timedelta) -> list[Offer]:
        """Offers without a code that begin within that time, the next first."""
        coming = announced(self._book, Window(starts_after=self._now, starts_until=self._now + span))
        return list(islice(coming, MAX_COMING))


def _line(product: Product, variant: Variant) -> PriceLine:
    """One unit of the variant, to be priced."""
    ids = (variant.id, product.id, product.merchant.id)
    return PriceLine("1", *ids, product.category, product.brand, 1, 0, product.ancestors)


async def left(shop: Shop, tallies: Iterable[UUID]) -> dict[UUID, int]:
    """Units that a claim may still take, per tally."""
    wanted = list(tallies)
    if not wanted:
        return {}
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, wanted)
    return {tally: level.available for tally, level in levels.items()}


async def wares_of(shop: Shop, visit: Visit, cards: Sequence[Card]) -> list[WareView]:
    """A list of products for a grid."""

    async def read(tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        async with shop.database.read() as connection:
            return await shop.tallies.levels(connection, list(tallies))

    shelf = Shelf(shop, visit, await read([tally for card in cards for tally in card.tallies]))
    return await shelf.counted(lambda it: [it.ware(card) for card in cards], read)
