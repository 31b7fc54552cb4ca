"""Ids for all values: the outside form is exact and keeps the order, and derived ids do not collide."""

from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from nightmarket.kernel.ids import ENCODED_LENGTH, decode, derive, encode, renamed
from nightmarket.kernel.problems import InvalidInput

uuids = st.integers(0, 2**128 - 1).map(lambda value: UUID(int=value))
prefixes = st.from_regex(r"[a-z]{1,8}(_[a-z]{1,8})?", fullmatch=True)
parts = st.lists(st.text(max_size=6) | st.binary(max_size=6) | st.integers() | uuids, max_size=4)


@given(prefixes, uuids)
@example("ord", UUID(int=0))
@example("ord", UUID(int=2**128 - 1))
def test_round_trip(prefix: str, value: UUID) -> None:
    """Each id comes back from its outside form, which has one length."""
    text = encode(prefix, value)
    assert len(text) == len(prefix) + 1 + ENCODED_LENGTH
    assert decode(prefix, text) == value


@given(uuids, uuids)
def test_outside_order_is_inside_order(one: UUID, other: UUID) -> None:
    """The outside form sorts as the id does."""
    assert (encode("ord", one) < encode("ord", other)) == (one < other)


@given(st.text(max_size=40) | st.text("ord_0123456789abcdefghjkmnpqrstvwxyz", min_size=28, max_size=32))
def test_one_spelling_or_refused(text: str) -> None:
    """A text is refused, or is exactly what the id it names is written as."""
    try:
        value = decode("ord", text)
    except InvalidInput:
        return
    assert encode("ord", value) == text


@given(prefixes, prefixes, uuids)
def test_one_id_of_two_kinds(asked: str, told: str, value: UUID) -> None:
    """What an id is called as another kind follows from its text as from itself."""
    assert renamed(told, encode(asked, value)) == encode(told, value)


def _text(part: str | bytes | int | UUID) -> bytes:
    return part.bytes if isinstance(part, UUID) else part if isinstance(part, bytes) else str(part).encode()


@given(parts, parts)
def test_derived_ids_differ_with_their_parts(one: list, other: list) -> None:
    """Two lists of parts give one id if and only if they are the same part by part; nothing runs together."""
    assert (derive("n", *one) == derive("n", *other)) == ([_text(part) for part in one] == [_text(p) for p in other])


@given(parts, st.binary(max_size=64))
def test_derived_ids_are_well_formed(values: list, secret: bytes) -> None:
    """A derived id is a UUID of version 8 and the same whenever it is derived."""
    made = derive("n", *values, secret=secret)
    assert made.version == 8
    assert made == derive("n", *values, secret=secret)
