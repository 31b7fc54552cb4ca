"""Why a quote is as it is: one note per offer of the book."""

from datetime import datetime

from nightmarket.kernel.money import share_of
from nightmarket.kernel.problems import Defect

from .carts import PriceCart, Shopper
from .compiled import Rule, compile_book
from .meeting import accepts_shopper, line_order, qualifying, subtotal, touched, units
from .offers import Book, Offer, plain_code
from .quotes import Explanation, OfferNote, Quote
from .resolving import NO_LIMIT, Stage


def explain(cart: PriceCart, quote: Quote, book: Book, shopper: Shopper, now: datetime) -> Explanation:
    """Why the quote is as it is. Raises Defect when the quote was not made with this book."""
    if quote.book != book.number:
        raise Defect(f"a quote of book {quote.book} cannot be explained with book {book.number}")
    compiled = compile_book(book)
    applied = {item.offer: item for item in quote.applied}
    notes = [OfferNote(item.offer, "applied", amount=item.amount, funder=item.funder) for item in quote.applied]
    reasons = _Reasons(cart, quote, book, shopper, now)
    for offer, rule in zip(compiled.offers, compiled.rules(cart.currency), strict=True):
        if offer.id not in applied:
            reason, missing = reasons.of(offer, rule)
            notes.append(OfferNote(offer.id, reason, missing=missing, funder=offer.funder))
    known = {plain_code(offer.code) for offer in compiled.offers if offer.code is not None}
    unknown = {plain_code(code): code for code in reversed(cart.codes) if plain_code(code) not in known}
    return Explanation(tuple(notes), tuple(reversed(unknown.values())))


class _Reasons:
    """Finds the first thing that keeps an offer from applying, in the order in which a person would ask."""

    def __init__(self, cart: PriceCart, quote: Quote, book: Book, shopper: Shopper, now: datetime) -> None:
        self._cart, self._quote, self._shopper, self._now = cart, quote, shopper, now
        self._order = line_order(cart.lines)
        self._codes = {plain_code(code) for code in cart.codes}
        applied = {item.offer for item in quote.applied}
        self._taken_words = {offer.exclusive for offer in book.offers if offer.id in applied and offer.exclusive}

    def of(self, offer: Offer, rule: Rule | None) -> tuple[str, int]:
        """The reason and what is missing to the minimum, for an offer that was not applied."""
        if offer.code is not None and plain_code(offer.code) not in self._codes:
            return "code_not_given", 0
        if self._now < offer.starts_at:
            return "not_started", 0
        if self._now >= offer.ends_at:
            return "ended", 0
        if rule is None:
            return "other_currency", 0
        if rule.regions and self._shopper.region not in rule.regions:
            return "other_region", 0
        if not accepts_shopper(rule, self._shopper):
            return "other_segment", 0
        return self._of_lines(offer, rule)

    def _of_lines(self, offer: Offer, rule: Rule) -> tuple[str, int]:
        places = qualifying(rule, self._cart.lines, self._order)
        if not places:
            return "no_line", 0
        missing = rule.at_least - subtotal(self._cart.lines, places)
        if missing > 0:
            return "below_minimum", missing
        if rule.most_units != NO_LIMIT and units(self._cart.lines, places) > rule.most_units:
            return "over_buyer_limit", 0
        if offer.id in self._cart.without:
            return self._cart.refused.get(offer.id, "used_up"), 0
        if offer.exclusive in self._taken_words or self._could_take(rule, places):
            return "better_offer", 0
        return "no_effect", 0

    def _could_take(self, rule: Rule, places: list[int]) -> bool:
        """Whether the offer would still take something off what the quote leaves to be paid."""
        left = self._quote.shipping if rule.stage is Stage.SHIPPING else self._quote.lines
        totals = [left[place].total for place in touched(rule, self._cart, places)]
        if rule.stage is Stage.PERCENT:
            return any(share_of(total, rule.value, rule.rounding) for total in totals)
        return any(totals)
