"""From what another shop calls things to what is counted and priced here."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.claims.contract import ClaimLine, Owner, Wanted, What, named_tally
from nightmarket.claims.errors import ItemUnknown
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import Offer, PurchaseLimit, budget_tally, buyer_tally, offer_of

from . import wire

VARIANTS_KEPT = 20_000
"""SKUs whose variants a process remembers; a merchant's SKU means the same variant for ever."""

Names = wire.ClaimLineInput | wire.StockLineInput | wire.PriceLineInput


class Items:
    """Finds variants and tallies by the names that another shop has for them. One per process."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._variants: OrderedDict[tuple[str, str], UUID] = OrderedDict()
        self._slugs: dict[UUID, str] = {}
        self._merchants: dict[str, UUID] = {}

    async def slug(self, merchant: UUID) -> str:
        """The merchant's short name."""
        if merchant not in self._slugs:
            await self._read_merchants()
        return self._slugs.get(merchant, "")

    async def merchant(self, slug: str, field: str) -> UUID:
        """The merchant with that short name; raises ItemUnknown."""
        if slug not in self._merchants:
            await self._read_merchants()
        if slug not in self._merchants:
            raise ItemUnknown(f"There is no merchant {slug!r}.", field=field)
        return self._merchants[slug]

    async def _read_merchants(self) -> None:
        for merchant in await self._shop.catalog.merchants():
            self._slugs[merchant.id] = merchant.slug
            self._merchants[merchant.slug] = merchant.id

    async def listings(self, owner: Owner, lines: Sequence[Names], merchant: str | None) -> dict[int, Listing]:
        """The listing of each line that names a variant, by line number; raises ItemUnknown where there is none, or
        where it is not the goods of the key's merchant."""
        variants: dict[int, UUID] = {}
        for number, line in enumerate(lines):
            if line.variant is not None:
                variants[number] = decode("var", line.variant, f"lines[{number}].variant")
            elif line.sku is not None:
                variants[number] = await self._by_sku(owner, line.sku, line.merchant or merchant, number)
        if not variants:
            return {}
        listings = await self._shop.catalog.listings(set(variants.values()))
        found: dict[int, Listing] = {}
        for number, variant in variants.items():
            listing = listings.get(variant)
            if listing is None or owner.merchant not in (None, listing.merchant):
                raise _unknown(number, lines[number])
            found[number] = listing
        return found

    async def _by_sku(self, owner: Owner, sku: str, merchant: str | None, number: int) -> UUID:
        if merchant is None and owner.merchant is not None:
            merchant = await self.slug(owner.merchant)
        if merchant is None:
            raise InvalidInput(
                "Say whose SKU it is: name the merchant, or use a key of theirs.", field=f"lines[{number}].merchant"
            )
        known = self._variants.get((merchant, sku))
        if known is None:
            known = await self._shop.catalog.find(merchant, sku)
            if known is None:
                text = f"There is no SKU {sku!r} of a merchant {merchant!r}; look at both names."
                raise ItemUnknown(text, field=f"lines[{number}].sku")
            self._variants[merchant, sku] = known
            if len(self._variants) > VARIANTS_KEPT:
                self._variants.popitem(last=False)
        return known

    async def wanted(self, owner: Owner, claim: wire.ClaimInput) -> tuple[Wanted, ...]:
        """The lines of a claim with the tallies that may serve them."""
        for number, line in enumerate(claim.lines):
            one_of(number, sku=line.sku, variant=line.variant, tally=line.tally, offer=line.offer)
        listings = await self.listings(owner, claim.lines, claim.merchant)
        bare = {listing.variant for listing in listings.values() if not listing.stock}
        if bare:  # another process may have been told of their first stock just now
            self._shop.catalog.forget(bare)
            listings = await self.listings(owner, claim.lines, claim.merchant)
        return tuple(
            self._goods(line, listings[number], number) if number in listings else self._counted(owner, line, number)
            for number, line in enumerate(claim.lines)
        )

    def _goods(self, line: wire.ClaimLineInput, listing: Listing, number: int) -> Wanted:
        tallies = tuple(stock.tally for stock in listing.stock)
        if not tallies:
            text = f"No place has stock of {listing.sku!r}; say what there is with PUT /stock."
            raise ItemUnknown(text, field=f"lines[{number}]")
        ids = (listing.variant, listing.product, listing.merchant)
        return Wanted(ClaimLine(What.GOODS, listing.sku, line.quantity, *ids), tallies)

    def _counted(self, owner: Owner, line: wire.ClaimLineInput, number: int) -> Wanted:
        if line.tally is not None:
            return Wanted(ClaimLine(What.TALLY, line.tally, line.quantity), (named_tally(owner.names, line.tally),))
        assert line.offer is not None
        wanted, book = decode("off", line.offer, f"lines[{number}].offer"), self._shop.books.current()
        offer = offer_of(book, wanted)
        if offer is None or not is_theirs(owner, offer):
            raise _unknown(number, line)
        counted, tally, most = self._of_offer(offer, line, number)
        return Wanted(ClaimLine(What.OFFER, line.offer, line.quantity, counted=counted), (tally,), most)

    def _of_offer(self, offer: Offer, line: wire.ClaimLineInput, number: int) -> tuple[str, UUID, int | None]:
        """What of the offer a line claims: its name, its tally, and the most of it where it is one buyer's."""
        if line.currency is not None and line.buyer is not None:
            raise InvalidInput("Claim budget and a buyer's share in lines of their own.", field=f"lines[{number}]")
        if line.currency is not None:
            if line.currency not in offer.budget:
                text = f"This offer has no budget in {line.currency}."
                raise ItemUnknown(text, field=f"lines[{number}].currency")
            return line.currency, budget_tally(offer.id, line.currency), None
        if line.buyer is not None:
            most = share_of(offer, line.counted)
            if most is None:
                text = f"This offer does not limit the {line.counted} of one buyer."
                raise ItemUnknown(text, field=f"lines[{number}].counted")
            key = self._shop.identities.key_of(line.buyer, field=f"lines[{number}].buyer")
            return line.counted, buyer_tally(offer.id, line.counted, key), most
        if offer.uses is None:
            raise ItemUnknown("This offer has no cap, so there is no use of it to claim.", field=f"lines[{number}]")
        return "", offer.uses, None


def is_theirs(owner: Owner, offer: Offer) -> bool:
    """Whether a key may count against an offer: an operator's against each, a merchant's against those it funds."""
    return owner.merchant in (None, offer.funder)


def share_of(offer: Offer, counted: str) -> int | None:
    """The most that one buyer may have of an offer, in uses or units."""
    if isinstance(offer.effect, PurchaseLimit):
        return offer.effect.units if counted == "units" else None
    if offer.per_buyer is None:
        return None
    return offer.per_buyer.uses if counted == "uses" else offer.per_buyer.units


def one_of(number: int, **named: object) -> None:
    """Raises InvalidInput unless exactly one of the members is there."""
    if sum(value is not None for value in named.values()) != 1:
        raise InvalidInput(f"Name one of {', '.join(named)}.", field=f"lines[{number}]")


def _unknown(number: int, line: Names) -> ItemUnknown:
    name = line.sku or line.variant or getattr(line, "offer", None)
    text = f"There is no {name!r} that this key may use; it is mistyped, or another's."
    return ItemUnknown(text, field=f"lines[{number}]")


def claim_answer(view_lines: Sequence[ClaimLine]) -> list[wire.ClaimedLine]:
    """The lines of a claim as they go out."""
    return [
        wire.ClaimedLine(
            line.quantity,
            sku=line.name if line.what is What.GOODS else None,
            variant=encode("var", line.variant) if line.variant is not None else None,
            tally=line.name if line.what is What.TALLY else None,
            offer=line.name if line.what is What.OFFER else None,
            counted=line.counted or None,
        )
        for line in view_lines
    ]
