"""How goods look to a shopper: pictures, prices with the offers that hold right now, and true stock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Card, Media, Product, Variant
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import Book, PriceCart, PriceLine, Shopper, price

FEW = 9
"""From here down the number of units left is said; above, it would only be noise."""

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


class ShelfPrice(msgspec.Struct, frozen=True):
    """What one unit costs now, and what it is listed at where an offer takes something off."""

    amount: int
    currency: str
    listed: int
    offer: dict[str, str] | None = None
    until: datetime | None = None


class StockView(msgspec.Struct, frozen=True):
    """What is left, as the tally says at this moment."""

    left: int

    @property
    def out(self) -> bool:
        return self.left <= 0

    @property
    def few(self) -> bool:
        return 0 < self.left <= FEW


class WareView(msgspec.Struct, frozen=True):
    """A product in a grid."""

    slug: str
    title: str
    merchant: str
    picture: PictureView | None
    price: ShelfPrice | None
    other_price: ShelfPrice | None
    several: bool
    stock: StockView


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

    def __init__(self, shop: Shop, visit: Visit, levels: Mapping[UUID, int]) -> None:
        self._book: Book = shop.books.current()
        self._now = shop.clock.now()
        self._visit = visit
        self._levels = levels
        self._shopper = Shopper(id=visit.owner)
        self._offers = {offer.id: offer for offer in self._book.offers}

    @classmethod
    async def read(cls, shop: Shop, visit: Visit, tallies: Iterable[UUID]) -> "Shelf":
        return cls(shop, visit, await left(shop, tallies))

    def stock(self, tallies: Iterable[UUID]) -> StockView:
        return StockView(sum(self._levels.get(tally, 0) for tally in tallies))

    def price(self, line: PriceLine, currency: str) -> ShelfPrice:
        """The price of one unit alone, with the offers that need nothing else."""
        quote = price(PriceCart(currency, (line,)), self._book, self._shopper, self._now)
        if not quote.applied:
            return ShelfPrice(quote.total, currency, line.unit_price)
        offer = self._offers[quote.applied[0].offer]
        return ShelfPrice(quote.total, currency, line.unit_price, offer.name, offer.ends_at)

    def prices(self, amounts: Mapping[str, int], line: PriceLine) -> tuple[ShelfPrice | None, ShelfPrice | None]:
        """The price in the visit's currency, or else one in another, to be shown as such."""
        wanted = self._visit.currency
        chosen = wanted if wanted in amounts else next(iter(sorted(amounts)), None)
        if chosen is None:
            return None, None
        found = self.price(msgspec.structs.replace(line, unit_price=amounts[chosen]), chosen)
        return (found, None) if chosen == wanted else (None, found)

    def ware(self, card: Card) -> WareView:
        line = PriceLine("1", card.product, card.product, card.merchant, card.category, "", 1, 0)
        here, elsewhere = self.prices(card.prices_from, line)
        return WareView(
            slug=card.slug,
            title=pick(card.title, self._visit.language) or card.slug,
            merchant=card.merchant_name,
            picture=picture_of(card.media, self._visit.language),
            price=here,
            other_price=elsewhere,
            several=card.variants > 1,
            stock=self.stock(card.tallies),
        )

    def variant(self, product: Product, variant: Variant) -> VariantView:
        line = PriceLine("1", variant.id, product.id, product.merchant.id, product.category, product.brand, 1, 0)
        here, elsewhere = self.prices(variant.prices, line)
        return VariantView(
            id=encode("var", variant.id),
            sku=variant.sku,
            label=", ".join(pick(texts, self._visit.language) or "" for texts in variant.options.values())
            or variant.sku,
            price=here,
            other_price=elsewhere,
            stock=self.stock(lot.tally for lot in variant.stock),
        )


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
    shelf = await Shelf.read(shop, visit, [tally for card in cards for tally in card.tallies])
    return [shelf.ware(card) for card in cards]
