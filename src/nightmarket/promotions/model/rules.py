"""What an offer must fulfil to be published; everything that is wrong with it, at once."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import BASIS_POINTS, MAX_AMOUNT
from nightmarket.kernel.quantity import MAX_STOCK

from .effects import FreeShipping, PurchaseLimit
from .flaws import MAX_CONDITION_VALUES, Flaw, amount_flaws, goods_flaws, unprintable, word_flaws
from .gate_rules import effect_flaws, gate_flaws, named_amounts
from .offers import Offer, brought_together, is_joint, merchants_of, owners_of, plain_code, uses_tally

MAX_NAME_LETTERS = 120

MAX_BUYER_LIMIT = 1_000_000
"""Orders or units that a limit per buyer may allow."""

CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{1,30})[A-Za-z0-9]")


MAX_FUNDERS = 8
"""Who may share an offer."""

MAX_HOURS_SPAN = timedelta(days=400)
"""The longest that an offer with hours of its own lasts: each day of it is a bound of prices."""


def flaws(offer: Offer) -> list[Flaw]:
    """All that keeps the offer from being published by itself; empty when nothing does."""
    return [*_frame(offer), *_window(offer), *_effect(offer), *_condition(offer), *_uses(offer), *_scarce(offer)]


def collide(one: Offer, other: Offer) -> bool:
    """Whether two offers have the same code at the same time."""
    if one.id == other.id or one.code is None or other.code is None or plain_code(one.code) != plain_code(other.code):
        return False
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def circular(offers: Iterable[Offer]) -> list[UUID]:
    """Offers that exclude each other in a circle, one of them after the other; empty where there is no circle.

    One of two says that they do not go together; a circle of more is what a word of exclusivity is for.
    """
    excluded = {offer.id: offer.not_with for offer in offers if offer.not_with}
    while ends := [offer for offer, others in excluded.items() if excluded.keys().isdisjoint(others)]:
        for offer in ends:
            del excluded[offer]
    path: list[UUID] = []
    while excluded:  # each that is left names another that is left, so this comes back to where it was
        at = min(excluded[path[-1]] & excluded.keys()) if path else min(excluded)
        if at in path:
            return path[path.index(at) :]
        path.append(at)
    return []


def _frame(offer: Offer) -> Iterator[Flaw]:
    if offer.revision < 1:
        yield Flaw("revision", "too_small", "Revisions are counted from 1.")
    if not offer.name:
        yield Flaw("name", "missing", "Give the offer a name in at least one language.")
    for language, text in offer.name.items():
        field = f"name.{language}"
        if language not in LANGUAGES:
            yield Flaw("name", "unknown_language", f"{language!r} is none of {', '.join(LANGUAGES)}.")
        elif not text.strip():
            yield Flaw(field, "empty", "Give the offer a name, or leave this language out.")
        elif len(text) > MAX_NAME_LETTERS:
            yield Flaw(field, "too_long", f"A name has at most {MAX_NAME_LETTERS} letters.")
        elif unprintable(text):
            yield Flaw(field, "control_characters", "A name has no line breaks or control characters.")
    if offer.code is not None and not CODE.fullmatch(offer.code):
        yield Flaw(
            "code",
            "malformed",
            "A code has 3 to 32 letters A-Z, digits, - or _, and begins and ends with a letter or digit.",
        )
    if offer.exclusive is not None:
        yield from word_flaws("exclusive", [offer.exclusive])
    if offer.id in offer.not_with:
        yield Flaw("not_with", "circular", "An offer cannot exclude itself.")
    if len(offer.not_with) > MAX_CONDITION_VALUES:
        yield Flaw("not_with", "too_many", f"An offer excludes at most {MAX_CONDITION_VALUES} others; use a word.")
    yield from _funding(offer)


def _window(offer: Offer) -> Iterator[Flaw]:
    aware = True
    for field, instant in (("starts_at", offer.starts_at), ("ends_at", offer.ends_at)):
        if instant.tzinfo is None:
            aware = False
            yield Flaw(field, "no_time_zone", "An instant needs its offset, such as 2026-11-11T00:00:00+08:00.")
    if aware and offer.ends_at <= offer.starts_at:
        yield Flaw("ends_at", "before_start", "An offer ends after it starts; the instant of its end is not included.")


def _effect(offer: Offer) -> Iterator[Flaw]:
    match offer.effect:
        case PurchaseLimit(units=units):
            if not 1 <= units <= MAX_BUYER_LIMIT:
                yield Flaw("effect.units", "out_of_range", f"A limit lies between 1 and {MAX_BUYER_LIMIT} units.")
            yield from _bare(offer)
        case effect:
            yield from effect_flaws(effect)
            for field, amounts in named_amounts(effect):
                yield from amount_flaws(field, amounts)
                yield from _without_minimum(field, amounts, offer)


def _without_minimum(field: str, amounts: Mapping[str, int], offer: Offer) -> Iterator[Flaw]:
    """An offer never applies in a currency in which it has an amount but no minimum, though others have one."""
    minimum = offer.condition.at_least
    for currency in amounts.keys() - minimum.keys() if minimum else ():
        yield Flaw(f"{field}.{currency}", "no_minimum", f"Say in at_least what {currency} carts must come to as well.")


def _condition(offer: Offer) -> Iterator[Flaw]:
    condition = offer.condition
    yield from amount_flaws("condition.at_least", condition.at_least)
    yield from goods_flaws("condition", condition.goods)
    words = {
        "regions": condition.regions,
        "segments": condition.segments,
        "places": condition.places,
        "languages": condition.languages,
        "channels": condition.channels,
        "needs": condition.needs,
    }
    for name, texts in words.items():
        yield from word_flaws(f"condition.{name}", texts)
    yield from gate_flaws(condition)
    if condition.hours and offer.ends_at - offer.starts_at > MAX_HOURS_SPAN:
        yield Flaw("ends_at", "too_long", f"An offer with hours lasts at most {MAX_HOURS_SPAN.days} days.")
    owners = owners_of(offer)
    if owners is not None and condition.merchants and owners.isdisjoint(condition.merchants):
        yield Flaw(
            "condition.merchants", "not_the_funder", "Who pays for an offer can only discount lines of their own."
        )


def _funding(offer: Offer) -> Iterator[Flaw]:
    """Whoever pays pays some of it, once, and all of it is paid."""
    if not offer.funding:
        return
    funders = [one.funder for one in offer.funding]
    if len(set(funders)) < len(funders) or len(funders) > MAX_FUNDERS:
        yield Flaw("funding", "named_twice", f"Name each funder once, {MAX_FUNDERS} at most.")
    if any(one.basis_points < 1 for one in offer.funding):
        yield Flaw("funding", "out_of_range", "Each funder pays more than 0 %.")
    if sum(one.basis_points for one in offer.funding) != BASIS_POINTS:
        yield Flaw("funding", "does_not_sum", "The funders' parts come to 100 % together.")
    if is_joint(offer) and not merchants_of(offer) <= brought_together(offer):
        text = (
            "Merchants who share an offer sell some of it: let a part of the bundle, or a condition, be of each alone."
        )
        yield Flaw("funding", "between_merchants", text)
    if offer.funder not in funders:
        yield Flaw("funding", "not_the_funder", "The funder of the offer is one of those who share it.")


def _uses(offer: Offer) -> Iterator[Flaw]:
    if offer.max_uses is None:
        return
    if not 1 <= offer.max_uses <= MAX_STOCK:
        yield Flaw("max_uses", "out_of_range", f"A cap lies between 1 and {MAX_STOCK} orders.")
    if offer.uses not in {None, uses_tally(offer.id)}:
        yield Flaw("uses", "two_caps", "Leave the tally out: with max_uses the offer gets its own.")


def _scarce(offer: Offer) -> Iterator[Flaw]:
    yield from amount_flaws("budget", offer.budget)
    yield from _without_minimum("budget", offer.budget, offer)
    yield from amount_flaws("most", offer.most)
    yield from _without_minimum("most", offer.most, offer)
    for currency, amount in offer.budget.items():
        if MAX_STOCK < amount <= MAX_AMOUNT:
            yield Flaw(f"budget.{currency}", "out_of_range", f"A budget has at most {MAX_STOCK} minor units.")
    cap = offer.per_buyer
    if cap is None:
        return
    if cap.uses is None and cap.units is None:
        yield Flaw("per_buyer", "missing", "Say how many orders or units one buyer may have, or leave the limit out.")
    for name, most in (("uses", cap.uses), ("units", cap.units)):
        if most is not None and not 1 <= most <= MAX_BUYER_LIMIT:
            yield Flaw(f"per_buyer.{name}", "out_of_range", f"A limit lies between 1 and {MAX_BUYER_LIMIT}.")
    if cap.units is not None and isinstance(offer.effect, FreeShipping):
        yield Flaw("per_buyer.units", "not_for_delivery", "Delivery has no units; limit the orders of a buyer instead.")


def _bare(limit: Offer) -> Iterator[Flaw]:
    """A purchase limit is for goods at any price, so nothing of a discount goes with it."""
    condition = limit.condition
    extras = {
        "code": limit.code,
        "max_uses": limit.max_uses,
        "uses": limit.uses,
        "exclusive": limit.exclusive,
        "per_buyer": limit.per_buyer,
        "budget": limit.budget,
        "most": limit.most,
        "compulsory": limit.compulsory,
        "combines": limit.combines is not None,
        "not_with": limit.not_with,
        "funding": limit.funding,
        "condition.places": condition.places,
        "condition.languages": condition.languages,
        "condition.channels": condition.channels,
        "condition.needs": condition.needs,
        "condition.first_order": condition.first_order,
        "condition.least_units": condition.least_units,
        "condition.alongside": condition.alongside,
        "condition.regions": condition.regions,
        "condition.segments": condition.segments,
        "condition.at_least": condition.at_least,
    }
    for field, value in extras.items():
        if value:
            yield Flaw(field, "not_for_limits", "A purchase limit is for goods and a time only; leave this out.")
