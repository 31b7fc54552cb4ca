"""Price a cart by three offers and say why: no database, no clock, nothing but the four things a price depends on."""

from datetime import UTC, datetime
from uuid import UUID

from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Condition,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    explain,
    price,
)

LANTERN_HOUSE = UUID("019a0000-0000-7000-8000-000000000001")
PAPER_BOAT = UUID("019a0000-0000-7000-8000-000000000002")


def product(number: int) -> UUID:
    return UUID(f"019a0000-0000-7000-8000-00000001{number:04}")


START, END = datetime(2026, 11, 11, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC)

FIFTEEN = Offer(product(9001), 1, {"en": "15 % off lanterns"}, PercentOff(1500), START, END, funder=LANTERN_HOUSE)
FIVE = Offer(
    product(9002),
    1,
    {"en": "5.00 off from 40.00"},
    AmountOff({"EUR": 500}),
    START,
    END,
    Condition(at_least={"EUR": 4000}),
    code="OWL-11",
)
DELIVERED = Offer(
    product(9003), 1, {"en": "Free delivery from 60.00"}, FreeShipping(), START, END, Condition(at_least={"EUR": 6000})
)
BOOK = Book(3, (FIFTEEN, FIVE, DELIVERED))

CART = PriceCart(
    currency="EUR",
    lines=(
        PriceLine("1-lantern", product(1), product(1), LANTERN_HOUSE, "lamps", "Lantern House", 2, 1999),
        PriceLine("2-paper", product(2), product(2), PAPER_BOAT, "paper", "Paper Boat", 1, 450),
    ),
    shipping=(ShippingLine(LANTERN_HOUSE, "standard", 490),),
    codes=("owl-11", "MOTH"),
)


def main() -> None:
    """Print each line, the total, and what became of each offer."""
    midnight = datetime(2026, 11, 11, 0, 0, tzinfo=UTC)
    quote = price(CART, BOOK, Shopper(), midnight)
    for line in quote.lines:
        shares = " ".join(f"-{share.amount}" for share in line.shares)
        print(f"{line.id}: {line.quantity} x {line.unit_price} {shares} = {line.total}")
    print(f"{quote.subtotal} - {quote.discount} + {quote.shipping_total} = {quote.total} (book {quote.book})")

    names = {offer.id: offer.name["en"] for offer in BOOK.offers}
    explanation = explain(CART, quote, BOOK, Shopper(), midnight)
    for note in explanation.notes:
        payer = "a merchant" if note.funder else "the operator"
        amounts = f"{note.amount} by {payer}" if note.amount else f"missing {note.missing}"
        print(f"{names[note.offer]}: {note.reason}, {amounts}")
    print(f"unknown: {', '.join(explanation.unknown_codes)}")


if __name__ == "__main__":
    main()
