"""Test cards: which forms will do, and what is kept of them."""

from datetime import date

import pytest

from nightmarket.kernel.problems import Problem
from nightmarket.payments.contract import CardForm, Tokeniser
from nightmarket.payments.errors import CardUnknown
from nightmarket.payments.providers import TEST_CARDS, TestCards
from nightmarket.payments.providers.cards import passes_luhn
from nightmarket.payments.providers.testpay import APPROVES, DECLINES, LATE, SILENT, SLOW

ON = date(2026, 11, 11)
CARDS: Tokeniser = TestCards()


def form(**changed: str) -> CardForm:
    """A form that will do, with changes."""
    return CardForm(
        **{"number": "4242 4242 4242 4242", "expiry": "11/26", "cvc": "123", "name": "A. Buyer (test)", **changed}
    )


def test_a_good_form_becomes_token_brand_and_last_four() -> None:
    """Nothing else of the card is kept."""
    kept = CARDS.tokenise(form(), ON)
    assert (kept.token, kept.brand, kept.last_four) == ("success_token", "Visa", "4242")


@pytest.mark.parametrize("number", TEST_CARDS)
def test_every_test_card_is_taken(number: str) -> None:
    """Each has a right check digit, and a token that the test provider knows."""
    cvc = "1234" if number.startswith("37") else "123"
    assert CARDS.tokenise(form(number=number, cvc=cvc), ON).token in {APPROVES, SLOW, SILENT, LATE, *DECLINES}


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"number": ""}, "number", "card_number_invalid"),
        ({"number": "4242 4242 4242 4241"}, "number", "card_number_invalid"),
        ({"number": "4242x4242y4242z4242"}, "number", "card_number_invalid"),
        ({"number": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"}, "number", "card_number_invalid"),
        ({"number": "4242424242424242" + " " * 100}, "number", "card_number_invalid"),
        ({"number": "4111 1111 1111 1111"}, "number", "card_unknown"),
        ({"expiry": ""}, "expiry", "card_expiry_invalid"),
        ({"expiry": "13/29"}, "expiry", "card_expiry_invalid"),
        ({"expiry": "0/29"}, "expiry", "card_expiry_invalid"),
        ({"expiry": "12/99"}, "expiry", "card_expiry_invalid"),
        ({"expiry": "10/26"}, "expiry", "card_expired"),
        ({"cvc": "12"}, "cvc", "card_cvc_invalid"),
        ({"cvc": "1234"}, "cvc", "card_cvc_invalid"),
        ({"number": "378282246310005"}, "cvc", "card_cvc_invalid"),
        ({"cvc": "<b>"}, "cvc", "card_cvc_invalid"),
        ({"name": "  "}, "name", "card_name_missing"),
        ({"name": "x" * 101}, "name", "card_name_missing"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_code(changed: dict[str, str], field: str, code: str) -> None:
    """Each fault gives one problem, with the field to mend."""
    problems = CARDS.check(form(**changed), ON)
    assert [(problem.field, problem.code) for problem in problems] == [(field, code)]
    with pytest.raises(Problem):
        CARDS.tokenise(form(**changed), ON)


def test_all_faults_are_named_at_once() -> None:
    """A person mends the form in one go."""
    problems = CARDS.check(CardForm("", "", "", ""), ON)
    assert [problem.field for problem in problems] == ["number", "expiry", "cvc", "name"]


@pytest.mark.parametrize("expiry", ["11/26", "1/27", " 12 / 2030 "])
def test_an_expiry_is_read_as_people_type_it(expiry: str) -> None:
    """One or two digits, two or four of the year, spaces; good to the last day of its month."""
    assert CARDS.check(form(expiry=expiry), date(2026, 11, 30)) == []


def test_a_real_card_is_refused_and_never_shown() -> None:
    """The refusal does not repeat the number, and a form hides itself in logs."""
    typed = form(number="4111111111111111")
    problem = CARDS.check(typed, ON)[0]
    assert isinstance(problem, CardUnknown)
    assert "4111" not in problem.detail + repr(typed)


def test_luhn_sees_a_wrong_digit_and_a_swap() -> None:
    """The check digit finds the two commonest typing errors (ISO/IEC 7812-1 gives 79927398713)."""
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398712")
    assert not passes_luhn("79927398731")
