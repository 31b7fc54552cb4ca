"""Trade numbers: exactly one last digit is right, and what is the same number compares as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.catalog.model.identifiers import (
    NotANumber,
    check_digit,
    gtin14,
    is_restricted,
    isbn10_check,
    issn_check,
    trade_number,
)

DIGITS = "0123456789"


def bodies(length: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=length, max_size=length).filter(lambda body: bool(body.strip("0")))


@given(st.sampled_from([7, 11, 12, 13]).flatmap(bodies))
def test_one_last_digit_makes_a_gtin(body: str) -> None:
    """Of ten last digits exactly one is taken, and every other names the right one."""
    right = check_digit(body)
    assert trade_number(body + right) == body + right
    for wrong in set(DIGITS) - {right}:
        with pytest.raises(NotANumber) as refusal:
            trade_number(body + wrong)
        assert refusal.value.right == right


@given(st.sampled_from([7, 11, 12, 13]).flatmap(bodies), st.data())
def test_one_wrong_digit_is_always_found(body: str, data: st.DataObject) -> None:
    """The check digit finds every single digit that is read wrongly (GS1 General Specifications, 7.9)."""
    number = body + check_digit(body)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([digit for digit in DIGITS if digit != number[place]]))
    with pytest.raises(NotANumber):
        trade_number(number[:place] + other + number[place + 1 :])


@given(bodies(9), st.sampled_from(["", "-", " "]))
def test_isbn10_becomes_isbn13(body: str, separator: str) -> None:
    """An ISBN-10, however it is divided, becomes 978, the same nine digits, and a check digit of its own (ISO 2108)."""
    check = isbn10_check(body)
    written = separator.join((body[0], body[1:4], body[4:], check))
    number = trade_number(written)
    assert (number[:3], number[3:12], number[12]) == ("978", body, check_digit(f"978{body}"))
    assert trade_number(number) == number
    other = next(sign for sign in "0123456789X" if sign != check)
    with pytest.raises(NotANumber):
        trade_number(body + other)


@given(bodies(7))
def test_issn_becomes_its_gtin(body: str) -> None:
    """An ISSN with its hyphen becomes 977, its seven digits, 00, and a check digit (ISO 3297)."""
    number = trade_number(f"{body[:4]}-{body[4:]}{issn_check(body)}")
    assert (number[:3], number[3:10], number[10:12]) == ("977", body, "00")
    assert trade_number(number) == number


@given(st.sampled_from([7, 11, 12, 13]).flatmap(bodies))
def test_zeros_in_front_change_nothing(body: str) -> None:
    """A number with zeros in front is the same trade item, and as restricted as it was."""
    number = body + check_digit(body)
    assert gtin14(gtin14(number)) == gtin14(number)
    assert trade_number(gtin14(number)) == gtin14(number)
    assert is_restricted(gtin14(number)) == is_restricted(number)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("4006381333931", "4006381333931"),
        ("036000291452", "036000291452"),
        ("96385074", "96385074"),
        ("10614141543219", "10614141543219"),
        ("0-306-40615-2", "9780306406157"),
        ("0-8044-2957-X", "9780804429573"),
        ("978-0-306-40615-7", "9780306406157"),
        ("0317-8471", "9770317847001"),
        ("2434-561X", "9772434561006"),
    ],
)
def test_numbers_of_real_things(written: str, kept: str) -> None:
    """Published examples of every kind are taken as what they are."""
    assert trade_number(written) == kept


@pytest.mark.parametrize("written", ["", "0000000000000", "1234567", "40063813339X1", "٤٠٠٦٣٨١٣", "0317/8471"])
def test_what_is_no_number(written: str) -> None:
    """Other lengths, other signs, other digits and nothing but zeros are refused."""
    with pytest.raises(NotANumber):
        trade_number(written)


@pytest.mark.parametrize(
    ("body", "restricted"),
    [
        ("020000000001", True),
        ("041234567890", True),
        ("200000000001", True),
        ("291234567890", True),
        ("21234567890", True),  # GTIN-12 with U.P.C. prefix 2
        ("41234567890", True),  # GTIN-12 with U.P.C. prefix 4
        ("2123456", True),
        ("0123456", True),
        ("400638133393", False),
        ("03600029145", False),
        ("9638507", False),
        ("978030640615", False),
        ("030000000001", False),
    ],
)
def test_restricted_circulation(body: str, restricted: bool) -> None:
    """Numbers that each company gives out by itself are told apart (GS1 General Specifications, 1.4 and 2.1.11)."""
    assert is_restricted(body + check_digit(body)) is restricted
