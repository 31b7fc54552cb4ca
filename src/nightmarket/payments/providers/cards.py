"""Test cards: numbers like the well-known ones of real providers, each with the token that it stands for.

A number never leaves this function: what is kept is the token, the brand and the last four digits. Any other number is
refused, so that nobody types a real card into a test shop.
"""

import re
from collections.abc import Sequence
from datetime import date

from nightmarket.kernel.problems import Problem
from nightmarket.payments.contract import CardForm, CardToken
from nightmarket.payments.errors import (
    CardCvcInvalid,
    CardExpired,
    CardExpiryInvalid,
    CardNameMissing,
    CardNumberInvalid,
    CardUnknown,
)

NAME_LIMIT = 100
INPUT_LIMIT = 40
YEARS_AHEAD = 30

TEST_CARDS: dict[str, str] = {
    "4242424242424242": "success_token",
    "5555555555554444": "success_token",
    "378282246310005": "success_token",
    "3566002020360505": "success_token",
    "6200000000000005": "success_token",
    "4000000000000002": "fail_token",
    "4000000000009995": "tok_insufficient_funds",
    "4000000000000069": "tok_expired",
    "4000000000000127": "tok_cvc",
    "4100000000000019": "tok_fraud",
    "4000000000000119": "tok_error",
    "4000000000003006": "tok_slow_3s",
    "4000000000003014": "tok_silent",
    "4000000000003022": "tok_late",
}
"""Number -> token: approved (five brands), six declines, and answers that come late, never, or by webhook only."""

BRANDS = (
    (re.compile(r"3[47]"), "American Express"),
    (re.compile(r"4"), "Visa"),
    (re.compile(r"5[1-5]|2[2-7]"), "Mastercard"),
    (re.compile(r"35"), "JCB"),
    (re.compile(r"62"), "UnionPay"),
)


def passes_luhn(number: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


class TestCards:
    """Implements `contract.Tokeniser`."""

    __test__ = False  # not a test, whatever pytest makes of the name

    def check(self, card: CardForm, on: date) -> Sequence[Problem]:
        number = _digits(card.number)
        wrong = [_number_problem(number), _expiry_problem(card.expiry, on)]
        cvc_digits = 4 if _brand(number) == "American Express" else 3
        if not re.fullmatch(rf"[0-9]{{{cvc_digits}}}", card.cvc.strip()):
            text = f"Type the {cvc_digits} digits of the security code."
            wrong.append(CardCvcInvalid(text, field="cvc"))
        if not 0 < len(card.name.strip()) <= NAME_LIMIT:
            wrong.append(CardNameMissing(f"Type the name on the card, up to {NAME_LIMIT} letters.", field="name"))
        return [problem for problem in wrong if problem is not None]

    def tokenise(self, card: CardForm, on: date) -> CardToken:
        for problem in self.check(card, on):
            raise problem
        number = _digits(card.number)
        return CardToken(token=TEST_CARDS[number], brand=_brand(number), last_four=number[-4:])


def _digits(text: str) -> str:
    """The number without the spaces and dashes that people type, or nothing if there is anything else in it."""
    number = re.sub(r"[ \u00a0\u202f-]", "", text[:INPUT_LIMIT])
    return number if re.fullmatch(r"[0-9]{12,19}", number) and len(text) <= INPUT_LIMIT else ""


def _brand(number: str) -> str:
    return next((name for pattern, name in BRANDS if pattern.match(number)), "Card")


def _number_problem(number: str) -> Problem | None:
    if not number or not passes_luhn(number):
        return CardNumberInvalid("That is not a card number; check its digits.", field="number")
    if number not in TEST_CARDS:
        return CardUnknown(
            "Only test cards work here, such as 4242 4242 4242 4242; never type a real card.", field="number"
        )
    return None


def _expiry_problem(text: str, on: date) -> Problem | None:
    found = re.fullmatch(r"\s*([0-9]{1,2})\s*/\s*((?:20)?[0-9]{2})\s*", text[:INPUT_LIMIT])
    if found is None or not 1 <= int(found[1]) <= 12:
        return CardExpiryInvalid("Type month and year as on the card, like 04/29.", field="expiry")
    month, year = int(found[1]), int(found[2]) % 100 + 2000
    if (year, month) < (on.year, on.month):
        return CardExpired("This card has expired; use another one.", field="expiry")
    if year > on.year + YEARS_AHEAD:
        return CardExpiryInvalid("That year is too far ahead; check the card.", field="expiry")
    return None
