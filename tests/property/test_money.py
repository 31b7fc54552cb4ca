"""Money for all inputs: rounding against decimal arithmetic, shares that sum, amounts read exactly or refused."""

import decimal
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from nightmarket.kernel.money import (
    BASIS_POINTS,
    MAX_AMOUNT,
    Rounding,
    allocate,
    minor_digits,
    parse_amount,
    share_of,
)
from nightmarket.kernel.problems import InvalidInput

DECIMAL_MODES = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.UP: decimal.ROUND_UP,
}
amounts = st.integers(0, MAX_AMOUNT)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CNY", "CLF", "RSD"])


@given(amounts, st.integers(0, 3 * BASIS_POINTS), st.sampled_from(Rounding))
def test_share_equals_decimal(amount: int, basis_points: int, mode: Rounding) -> None:
    """A percentage is what decimal arithmetic of 60 digits gives, rounded once in the named way."""
    with decimal.localcontext(prec=60):
        exact = Decimal(amount) * basis_points / BASIS_POINTS
        assert share_of(amount, basis_points, mode) == int(exact.to_integral_value(DECIMAL_MODES[mode]))


@given(amounts, st.integers(0, BASIS_POINTS), st.sampled_from(Rounding))
def test_share_stays_within_the_amount(amount: int, basis_points: int, mode: Rounding) -> None:
    """Up to 100 % never gives more than the amount, whatever the rounding."""
    assert 0 <= share_of(amount, basis_points, mode) <= amount


weights = st.lists(st.integers(0, 10**9) | st.integers(0, 5), min_size=1, max_size=30)


@st.composite
def splits(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A total and weights; half of the totals are within the sum of the weights."""
    parts = draw(weights)
    assume(sum(parts))
    return draw(st.integers(0, sum(parts)) | amounts), parts


@given(splits())
def test_shares_sum_and_stay_near(split: tuple[int, list[int]]) -> None:
    """Shares sum to the total exactly, and each is its exact part rounded down or up."""
    total, parts = split
    shares = allocate(total, parts)
    assert sum(shares) == total
    for share, weight in zip(shares, parts, strict=True):
        assert total * weight // sum(parts) <= share <= -(-total * weight // sum(parts))


@given(splits())
def test_no_share_exceeds_its_line(split: tuple[int, list[int]]) -> None:
    """A discount of at most the whole cart takes from no line more than the line has; empty lines get nothing."""
    total, parts = split
    assume(total <= sum(parts))
    assert all(share <= weight for share, weight in zip(allocate(total, parts), parts, strict=True))


@given(splits())
def test_largest_remainders_come_first(split: tuple[int, list[int]]) -> None:
    """Whoever got a cent more had no smaller remainder than one who did not; among equals the earlier one got it."""
    total, parts = split
    whole = sum(parts)
    shares = allocate(total, parts)
    more = [index for index, share in enumerate(shares) if share > total * parts[index] // whole]
    less = [index for index in range(len(parts)) if index not in more]
    for up in more:
        for down in less:
            ahead, behind = total * parts[up] % whole, total * parts[down] % whole
            assert ahead > behind or (ahead == behind and up < down)


@given(splits(), st.randoms(use_true_random=False))
def test_order_only_breaks_ties(split: tuple[int, list[int]], random) -> None:
    """Lines in another order get the same shares, as far as no two remainders tie."""
    total, parts = split
    remainders = [total * weight % sum(parts) for weight in parts]
    assume(len(set(remainders)) == len(parts))
    order = list(range(len(parts)))
    random.shuffle(order)
    shares = allocate(total, parts)
    assert allocate(total, [parts[index] for index in order]) == [shares[index] for index in order]


@given(amounts, currencies, st.integers(0, 5), st.integers(0, 5))
def test_reads_what_is_written(minor: int, currency: str, zeros_before: int, zeros_behind: int) -> None:
    """Each amount written as a decimal is read back exactly, also with zeros before and behind."""
    digits = minor_digits(currency)
    text = f"{Decimal(minor).scaleb(-digits):f}"
    text = "0" * zeros_before + text + ("0" * zeros_behind if "." in text else "")
    assert parse_amount(text, currency) == minor


@given(st.text("0123456789.,-+eE_ NaInfty\u0661\uff11", max_size=25) | st.text(max_size=25), currencies)
def test_exact_or_refused(text: str, currency: str) -> None:
    """Whatever the text, the answer is the exact decimal in minor units, or InvalidInput; nothing is rounded."""
    try:
        minor = parse_amount(text, currency)
    except InvalidInput:
        return
    assert 0 <= minor <= MAX_AMOUNT
    with decimal.localcontext(prec=100):
        assert Decimal(text.strip()).scaleb(minor_digits(currency)) == minor
