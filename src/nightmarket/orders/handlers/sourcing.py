"""Where the units of an order come from: one place if one has them all, else several."""

from collections.abc import Mapping, Sequence

from nightmarket.catalog.contract import Listing
from nightmarket.orders.model.session import CartLine, Known
from nightmarket.promotions.contract import Quote
from nightmarket.promotions.contract.presales import put_aside
from nightmarket.tally.contract import AnyLedger, Part

NOTHING_ASIDE: Mapping[str, int] = {}


def stock_parts(
    lines: Sequence[CartLine],
    goods: Sequence[Listing],
    ledger: AnyLedger,
    aside: Mapping[str, int] = NOTHING_ASIDE,
) -> tuple[list[Part], dict[str, int]]:
    """The parts of a claim that cover the lines, `goods` their listings; or, per line that cannot be covered,
    the units that are left.

    `aside` are units of lines that an offer's own uses hold, so that they are not taken from what everybody can buy.
    A merchant's places are tried in the listing's order. No line is refused while its places together have enough.
    """
    parts: list[Part] = []
    short: dict[str, int] = {}
    for line, listing in zip(lines, goods, strict=True):
        stock = listing.stock
        wanted = line.quantity - aside.get(line.id, 0) if aside else line.quantity
        if not wanted:
            continue
        if len(stock) == 1 and ledger.free(stock[0].tally) >= wanted:  # nearly always
            parts.append(Part(stock[0].tally, wanted))
            continue
        whole = next((s.tally for s in stock if ledger.free(s.tally) >= wanted), None)
        if whole is not None:
            parts.append(Part(whole, wanted))
            continue
        taken: list[Part] = []
        for place in stock:
            free = min(ledger.free(place.tally), wanted)
            if free > 0:
                taken.append(Part(place.tally, free))
                wanted -= free
        if wanted:
            short[line.id] = line.quantity - wanted
        parts.extend(taken)
    return parts, short


def aside_of(known: Known, quote: Quote) -> Mapping[str, int]:
    """By line, the pieces whose units were put aside for this shopper; the offers that hold them count their uses."""
    if not known.entitlements:
        return NOTHING_ASIDE
    offers = put_aside(known.entitlements)
    return {line.id: 1 for line in quote.lines if any(share.offer in offers for share in line.shares)}
