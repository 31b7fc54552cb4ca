"""Why a quote is as it is: one note per offer of the book."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.money import share_of
from nightmarket.kernel.problems import Defect

from .carts import PriceCart, Shopper
from .choosing import apart
from .compiled import compile_book
from .conditions import open_at
from .effects import Gift
from .meeting import Meeting, accepts_shopper, line_order, meeting_of, qualifying, subtotal, touched, units
from .offers import Book, Offer, merchants_of, plain_code
from .quotes import Applied, Explanation, OfferNote, Quote
from .resolving import NO_LIMIT, Stage, lacks, refusal
from .ruling import Rule
from .stepping import Next, next_step
from .taking import gifts_due

SPARE = OfferNote(UUID(int=0), "")


def explain(cart: PriceCart, quote: Quote, book: Book, shopper: Shopper, now: datetime) -> Explanation:
    """Why the quote is as it is. Raises Defect when the quote was not made with this book."""
    if quote.book != book.number:
        raise Defect(f"a quote of book {quote.book} cannot be explained with book {book.number}")
    compiled = compile_book(book)
    rules = {offer.id: (offer, rule) for offer, rule in compiled.noted(cart, shopper)}
    applied = {item.offer for item in quote.applied}
    reasons = _Reasons(cart, quote, list(rules.values()), shopper, now)
    notes = [reasons.applied(_applied(item, rules[item.offer][0]), rules[item.offer][1]) for item in quote.applied]
    for id, (offer, rule) in rules.items():
        if id not in applied:
            funders = _funders(offer)
            notes.append(
                msgspec.structs.replace(reasons.of(offer, rule), offer=id, funder=offer.funder, funders=funders)
            )
    known = compiled.known_codes([plain_code(code) for code in cart.codes])
    unknown = {plain_code(code): code for code in reversed(cart.codes) if plain_code(code) not in known}
    return Explanation(tuple(notes), tuple(reversed(unknown.values())))


def _applied(item: Applied, offer: Offer) -> OfferNote:
    return OfferNote(item.offer, "applied", amount=item.amount, funder=item.funder, funders=_funders(offer))


def _funders(offer: Offer) -> tuple[UUID, ...]:
    return tuple(sorted(merchants_of(offer))) if offer.funding else ()


def _note(reason: str) -> OfferNote:
    return msgspec.structs.replace(SPARE, reason=reason)


class _Reasons:
    """Finds the first thing that keeps an offer from applying, in the order in which a person would ask."""

    def __init__(
        self, cart: PriceCart, quote: Quote, known: list[tuple[Offer, Rule | None]], shopper: Shopper, now: datetime
    ) -> None:
        self._cart, self._quote, self._shopper, self._now = cart, quote, shopper, now
        self._order = line_order(cart.lines)
        self._codes = {plain_code(code) for code in cart.codes}
        ids = {item.offer for item in quote.applied}
        self._applied = [offer for offer, _ in known if offer.id in ids]
        self._rules = [rule for _, rule in known if rule is not None and rule.offer.id in ids]
        self._taken_words = {offer.exclusive for offer in self._applied if offer.exclusive}

    def of(self, offer: Offer, rule: Rule | None) -> OfferNote:
        """The note, but for its offer and funder, of an offer that was not applied."""
        if offer.code is not None and plain_code(offer.code) not in self._codes:
            return _note("code_not_given")
        if self._now < offer.starts_at:
            return _note("not_started")
        if self._now >= offer.ends_at:
            return _note("ended")
        if not open_at(offer.condition, self._now):
            return _note("outside_hours")
        if rule is None:
            return _note("other_currency")
        if rule.regions and self._shopper.region not in rule.regions:
            return _note("other_region")
        if rule.segments and rule.segments.isdisjoint(self._shopper.segments):
            return _note("other_segment")
        if not accepts_shopper(rule, self._shopper):
            return _note((rule.extra and refusal(rule.extra, self._shopper)) or "other_segment")
        return self._of_lines(offer, rule)

    def applied(self, note: OfferNote, rule: Rule | None) -> OfferNote:
        """The note of an offer that applied, with the way to its next step."""
        if rule is None or rule.plan is None:
            return note
        places = qualifying(rule, self._cart.lines, self._order)
        if isinstance(rule.plan.effect, Gift):
            return self._gifts(note, rule.plan.effect, places)
        return _with_step(note, next_step(rule, self._cart, places, self._left_before(rule, places)))

    def _of_lines(self, offer: Offer, rule: Rule) -> OfferNote:
        places = qualifying(rule, self._cart.lines, self._order)
        if not places:
            return self._without_lines(offer, rule)
        missing = rule.at_least - subtotal(self._cart.lines, places)
        if missing > 0:
            return msgspec.structs.replace(_note("below_minimum"), missing=missing)
        if rule.most_units != NO_LIMIT and units(self._cart.lines, places) > rule.most_units:
            return _note("over_buyer_limit")
        asked = self._asked(rule, places)
        if asked is not None:
            return asked
        if offer.id in self._cart.without:
            return _note(self._cart.refused.get(offer.id, "used_up"))
        return self._of_others(offer, rule, places)

    def _without_lines(self, offer: Offer, rule: Rule) -> OfferNote:
        """Of what it asks for beside its own goods all may be there: then these are what is missing."""
        extra = rule.extra
        if extra is None or not extra.alongside or lacks(extra, self._cart) is not None:
            return _note("no_line")
        return msgspec.structs.replace(
            _note("companion_missing"), missing_units=max(1, extra.least_units), lacking=(offer.condition.goods,)
        )

    def _asked(self, rule: Rule, places: list[int]) -> OfferNote | None:
        """What more must be in the cart: pieces, other goods, the parts of a set."""
        extra = rule.extra
        if extra is not None:
            short = extra.least_units - units(self._cart.lines, places)
            if short > 0:
                return msgspec.structs.replace(_note("below_minimum"), missing_units=short)
            lacking = lacks(extra, self._cart)
            if lacking is not None:
                note, goods = _note("companion_missing"), rule.offer.condition.alongside[lacking[2]].goods
                return msgspec.structs.replace(note, missing_units=lacking[0], missing=lacking[1], lacking=(goods,))
        plan = rule.plan
        if plan is None or rule.delivers or meeting_of(rule, self._cart, places, self._order) is not None:
            return None
        if isinstance(plan.effect, Gift):
            due = gifts_due(plan.effect, units(self._cart.lines, places))
            if due:
                gifts = tuple(sorted(plan.effect.variants))
                return msgspec.structs.replace(_note("gift_due"), missing_units=due, gifts=gifts)
        return _with_step(_note("companion_missing"), next_step(rule, self._cart, places, ()))

    def _gifts(self, note: OfferNote, gift: Gift, places: list[int]) -> OfferNote:
        """With the gifts that are due and not in the cart."""
        there = sum(line.quantity for line in self._cart.lines if line.variant in gift.variants)
        due = gifts_due(gift, units(self._cart.lines, places)) - there
        if due <= 0:
            return note
        return msgspec.structs.replace(note, missing_units=due, gifts=tuple(sorted(gift.variants)))

    def _of_others(self, offer: Offer, rule: Rule, places: list[int]) -> OfferNote:
        meeting = meeting_of(rule, self._cart, places, self._order)
        in_the_way = self._in_the_way(meeting) if meeting is not None else None
        if in_the_way is not None:
            return msgspec.structs.replace(_note("not_combinable"), other=in_the_way)
        if offer.exclusive in self._taken_words:
            return _note("better_offer")
        if rule.plan is not None and not rule.delivers:
            step = next_step(rule, self._cart, places, self._left_before(rule, places))
            if step is not None and not step.reached:
                return _with_step(_note("below_minimum"), step)
        if self._could_take(rule, places):
            return _note("better_offer")
        return _note("no_effect")

    def _in_the_way(self, meeting: Meeting) -> UUID | None:
        """An applied offer with which this one may not be combined."""
        for rule in self._rules:
            places = qualifying(rule, self._cart.lines, self._order)
            met = meeting_of(rule, self._cart, places, self._order)
            if met is not None and apart(meeting, met):
                return rule.offer.id
        return None

    def _left_before(self, rule: Rule, places: list[int]) -> list[int]:
        """What was left of each of the lines when the offer's turn came."""
        later = {rule.offer.id, *(other.offer.id for other in self._rules if _comes_later(other, rule))}
        lines = [self._quote.lines[place] for place in places]
        return [line.total + sum(share.amount for share in line.shares if share.offer in later) for line in lines]

    def _could_take(self, rule: Rule, places: list[int]) -> bool:
        """Whether the offer would still take something off what the quote leaves to be paid."""
        left = self._quote.shipping if rule.delivers else self._quote.lines
        totals = [left[place].total for place in touched(rule, self._cart, places)]
        if rule.stage == Stage.PERCENT:
            return any(share_of(total, rule.value, rule.rounding) for total in totals)
        return any(totals)


def _comes_later(other: Rule, rule: Rule) -> bool:
    return (other.stage, other.tie) > (rule.stage, rule.tie)


def _with_step(note: OfferNote, step: Next | None) -> OfferNote:
    if step is None:
        return note
    return msgspec.structs.replace(
        note,
        missing=step.missing,
        missing_units=step.missing_units,
        gain=step.gain,
        gain_basis_points=step.gain_basis_points,
        lacking=step.lacking,
        merchant=step.merchant,
    )
