"""What the terms of a draw must fulfil; everything that is wrong, at once."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import BASIS_POINTS, MAX_AMOUNT, known_currency
from nightmarket.kernel.quantity import MAX_STOCK

from .draws import DrawTerms, Prize, RuleKind, TicketRule
from .rules import Flaw

MAX_RULES = 10
MAX_PRIZES = 20
MAX_UNITS = 10_000
"""Winners of one draw."""

MAX_VOUCHERS = 1_000
"""Vouchers of one draw: each is an offer of the book."""

MAX_NAME = 120
MAX_PATH = 200
MAX_BEACON = 200
MAX_DAYS = 366
LONGEST = timedelta(days=366)
KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


def draw_flaws(terms: DrawTerms, now: datetime) -> list[Flaw]:
    """All that keeps the draw from being made; empty when nothing does."""
    return [*_names("name", terms.name), *_times(terms, now), *_money(terms), *_rules(terms), *_prizes(terms)]


def _names(field: str, names: dict[str, str]) -> Iterator[Flaw]:
    if not names:
        yield Flaw(field, "missing", "Give it a name in at least one language.")
    for language, text in names.items():
        if language not in LANGUAGES:
            yield Flaw(field, "unknown_language", f"{language!r} is none of {', '.join(LANGUAGES)}.")
        elif not text.strip() or len(text) > MAX_NAME or _unprintable(text):
            yield Flaw(f"{field}.{language}", "malformed", "A name has 1 to 120 visible letters.")


def _unprintable(text: str) -> bool:
    return any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


def _times(terms: DrawTerms, now: datetime) -> Iterator[Flaw]:
    if terms.closes_at <= terms.opens_at:
        yield Flaw("closes_at", "before_start", "Tickets close after they open.")
    elif terms.closes_at <= now:
        yield Flaw("closes_at", "past", "The closing lies in the past.")
    elif terms.closes_at - max(now, terms.opens_at) > LONGEST:
        yield Flaw("closes_at", "too_long", "Tickets may be taken for a year at most.")
    if len(terms.beacon) > MAX_BEACON or _unprintable(terms.beacon):
        yield Flaw("beacon", "malformed", "Say in up to 200 letters where the public value comes from.")


def _money(terms: DrawTerms) -> Iterator[Flaw]:
    if not known_currency(terms.currency):
        yield Flaw("currency", "unknown_currency", "Use a currency code of ISO 4217 such as EUR.")
    worth = sum(prize.units * prize.value for prize in terms.prizes)
    if not 1 <= terms.budget <= MAX_STOCK:
        yield Flaw("budget", "out_of_range", "Give the draw a budget.")
    elif worth > terms.budget:
        yield Flaw("budget", "short", "The prizes are worth more than the budget; raise it, or give fewer prizes.")


def _rules(terms: DrawTerms) -> Iterator[Flaw]:
    if not 1 <= len(terms.rules) <= MAX_RULES:
        yield Flaw("rules", "amount", "Say for what there is a ticket: one to ten rules.")
    if any(times > 1 for times in Counter(rule.key for rule in terms.rules).values()):
        yield Flaw("rules", "named_twice", "Each rule has a key of its own.")
    for rule in terms.rules:
        yield from _rule(rule)


def _rule(rule: TicketRule) -> Iterator[Flaw]:
    if not KEY.fullmatch(rule.key):
        yield Flaw("rules", "malformed", "A key has letters a-z, digits and hyphens.")
    if rule.kind is RuleKind.ORDER and not (known_currency(rule.currency) and 0 <= rule.at_least <= MAX_AMOUNT):
        yield Flaw("rules", "no_amount", "Say from which amount on an order earns a ticket.")
    local = rule.path.startswith("/") and not rule.path.startswith("//") and "\\" not in rule.path
    if rule.kind is RuleKind.VISIT and not (local and len(rule.path) <= MAX_PATH and rule.path.isprintable()):
        yield Flaw("rules.path", "malformed", "Write the address of a page of this shop, such as /brands/lumen.")


def _prizes(terms: DrawTerms) -> Iterator[Flaw]:
    if not 1 <= len(terms.prizes) <= MAX_PRIZES:
        yield Flaw("prizes", "amount", "A draw has one to twenty kinds of prizes.")
    if any(times > 1 for times in Counter(prize.key for prize in terms.prizes).values()):
        yield Flaw("prizes", "named_twice", "Each prize has a key of its own.")
    if terms.units > MAX_UNITS:
        yield Flaw("prizes", "too_many", "A draw gives at most 10000 prizes.")
    if sum(prize.units for prize in terms.prizes if prize.voucher) > MAX_VOUCHERS:
        yield Flaw("prizes", "too_many_vouchers", "A draw gives at most 1000 vouchers.")
    for prize in terms.prizes:
        yield from _prize(prize)


def _prize(prize: Prize) -> Iterator[Flaw]:
    yield from _names(f"prizes.{prize.key}.name", prize.name)
    if not KEY.fullmatch(prize.key):
        yield Flaw("prizes", "malformed", "A key has letters a-z, digits and hyphens.")
    if not (1 <= prize.units <= MAX_UNITS and 0 <= prize.value <= MAX_STOCK):
        yield Flaw(f"prizes.{prize.key}.units", "out_of_range", "Say how many there are and what one is worth.")
    voucher = prize.voucher
    if voucher is None:
        return
    if not 1 <= voucher.days <= MAX_DAYS:
        yield Flaw(f"prizes.{prize.key}.days", "out_of_range", "A voucher holds for 1 to 366 days.")
    if bool(voucher.basis_points) == bool(voucher.amounts) or not 0 <= voucher.basis_points <= BASIS_POINTS:
        yield Flaw(f"prizes.{prize.key}.voucher", "out_of_range", "A voucher takes off up to 100 % or an amount.")
    if any(not 1 <= one <= MAX_AMOUNT for one in (*voucher.amounts.values(), *voucher.at_least.values())):
        yield Flaw(f"prizes.{prize.key}.voucher", "out_of_range", "Say what the voucher takes off.")
    if voucher.at_least and voucher.amounts.keys() - voucher.at_least.keys():
        yield Flaw(f"prizes.{prize.key}.voucher", "no_minimum", "Name the least order in each of its currencies.")
