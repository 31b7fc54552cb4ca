"""What others may ask of promotions: the price of a cart, why, and the book of offers it was priced by."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model import (
    OPERATOR,
    AmountOff,
    Applied,
    Book,
    Bundle,
    BuyerCap,
    BuyGet,
    Cap,
    Companion,
    Condition,
    Demand,
    Each,
    Effect,
    EveryOff,
    Explanation,
    FixedPrice,
    FreeShipping,
    Funded,
    Funding,
    Gift,
    Goods,
    Hours,
    Met,
    NthPiece,
    Offer,
    OfferNote,
    Part,
    PercentOff,
    PriceCart,
    PriceLine,
    PurchaseLimit,
    Quote,
    QuoteLine,
    QuoteShipping,
    Refund,
    RefundLine,
    Scarce,
    Share,
    ShippingLine,
    Shopper,
    Sold,
    Span,
    Stage,
    Step,
    Tiers,
    Want,
    Which,
    book_of,
    book_tallies,
    boundaries,
    budget_tally,
    buyer_caps,
    buyer_tally,
    counts,
    demand,
    explain,
    flaws,
    is_joint,
    limits_met,
    merchants_of,
    offer_of,
    price,
    reduces_delivery,
    refund,
    shares_asked,
    split_of,
    steady,
    units_left,
    uses_tally,
)
from nightmarket.promotions.model.shoppers_asked import asks_who

__all__ = [
    "OPERATOR",
    "AmountOff",
    "Applied",
    "Book",
    "Books",
    "Bundle",
    "BuyGet",
    "BuyerCap",
    "Cap",
    "Companion",
    "Condition",
    "Demand",
    "Each",
    "Effect",
    "EveryOff",
    "Explanation",
    "FixedPrice",
    "FreeShipping",
    "Funded",
    "Funding",
    "Gift",
    "Goods",
    "Hours",
    "Met",
    "NthPiece",
    "Offer",
    "OfferNote",
    "OfferPublished",
    "OfferRetired",
    "Offers",
    "Part",
    "PercentOff",
    "PriceCart",
    "PriceLine",
    "PurchaseLimit",
    "Quote",
    "QuoteLine",
    "QuoteShipping",
    "Refund",
    "RefundLine",
    "Scarce",
    "Share",
    "ShippingLine",
    "Shopper",
    "Sold",
    "Span",
    "Stage",
    "Step",
    "Tiers",
    "Want",
    "Which",
    "asks_who",
    "book_of",
    "book_tallies",
    "boundaries",
    "budget_tally",
    "buyer_caps",
    "buyer_tally",
    "counts",
    "demand",
    "explain",
    "flaws",
    "is_joint",
    "limits_met",
    "merchants_of",
    "offer_of",
    "price",
    "reduces_delivery",
    "refund",
    "shares_asked",
    "split_of",
    "steady",
    "units_left",
    "uses_tally",
]


class OfferPublished(msgspec.Struct, frozen=True):
    """Fact: an offer's revision became part of the book with that number."""

    kind: ClassVar[str] = "promotions.offer_published"
    offer: UUID
    revision: int
    book: int


class OfferRetired(msgspec.Struct, frozen=True):
    """Fact: from that book on, the offer no longer applies."""

    kind: ClassVar[str] = "promotions.offer_retired"
    offer: UUID
    book: int


class Books(Protocol):
    """The current book in this process, and any earlier one rebuilt."""

    def current(self) -> Book:
        """The newest book that this process has seen; never asks the database."""
        ...

    async def refresh(self) -> Book:
        """Read what was published since; called at start and by the follower of promotions' facts."""
        ...

    async def at(self, number: int) -> Book:
        """The book with that number, rebuilt from the revisions."""
        ...

    async def close(self) -> None:
        """Give up what goes on in the background."""
        ...


class Offers(Protocol):
    """Commands on offers. Offers are immutable revisions: a change publishes a new revision of the same id."""

    async def publish(self, tx: Connection, offers: Sequence[Offer], at: datetime) -> int:
        """Check and append revisions; returns the new book's number. Raises Problem with field and reason."""
        ...

    async def retire(self, tx: Connection, offers: Sequence[UUID], at: datetime) -> int:
        """End offers from the next book on; returns its number."""
        ...
