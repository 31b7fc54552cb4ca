"""Ids by example: forms, refusals, and ids that cannot be mistaken for one another."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, SystemIds, decode, derive, encode, instant_milliseconds
from nightmarket.kernel.problems import InvalidInput

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
ID = UUID("019a7000-1234-7abc-8def-0123456789ab")


def test_outside_form() -> None:
    """Outside, an id is its prefix, an underscore and 26 letters without look-alikes."""
    text = encode("ord", ID)
    assert text == "ord_01k9r004hmfay8vvr14d2pf2db"
    assert decode("ord", text) == ID


def test_prefixes_may_have_underscores() -> None:
    """A prefix of two words comes back too."""
    assert decode("web_session", encode("web_session", ID)) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord",
        "ord_",
        "cart_01k9r004hmfay8vvr14d2pf2db",
        "01k9r004hmfay8vvr14d2pf2db",
        "_01k9r004hmfay8vvr14d2pf2db",
        "ord_01K9R014HMFAY8VVR14D2PF2DB",
        "ord_01k9r004hmfay8vvr14d2pf2d",
        "ord_01k9r004hmfay8vvr14d2pf2dbb",
        "ord_81k9r004hmfay8vvr14d2pf2db",
        "ord_-1k9r004hmfay8vvr14d2pf2db",
        "ord_01k9r004hmfay8vvr14d2pf2du",
        "ord_01k9r004hmfay8vvr14d2pf2d\uff11",
        " ord_01k9r004hmfay8vvr14d2pf2db",
        "ord_x_01k9r004hmfay8vvr14d2pf2db",
        str(ID),
    ],
)
def test_refuses_other_texts(text: str) -> None:
    """Anything but the one written form is refused, so that an id has one spelling."""
    with pytest.raises(InvalidInput, match="ord_"):
        decode("ord", text)


def test_new_ids_are_of_version_7() -> None:
    """New ids carry the instant of the clock in their first 48 bits, RFC 9562's version and variant in their place."""
    for ids in (SystemIds(VirtualClock(NOON)), SeededIds(VirtualClock(NOON), 1)):
        made = ids.new()
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert instant_milliseconds(made) == int(NOON.timestamp() * 1000)


def test_later_ids_sort_later() -> None:
    """An id made a millisecond later sorts behind, inside and outside."""
    clock = VirtualClock(NOON)
    ids = SeededIds(clock, 5)
    made: list[UUID] = []
    for _ in range(50):
        made.append(ids.new())
        clock.advance(timedelta(milliseconds=1))
    assert made == sorted(made)
    assert [encode("ord", id) for id in made] == sorted(encode("ord", id) for id in made)


def test_same_seed_same_ids() -> None:
    """A seed gives the same ids in every run, another seed gives others, and none comes twice."""

    def day(seed: int) -> list[UUID]:
        ids = SeededIds(VirtualClock(NOON), seed)
        return [ids.new() for _ in range(1_000)]

    assert day(7) == day(7)
    assert len({*day(7), *day(8)}) == 2_000


def test_namespaces_count_whole() -> None:
    """Two long namespaces that begin alike give different ids, else one tally would count two things."""
    assert derive("promotions.offer.uses", ID) != derive("promotions.offer.budget", ID)


def test_parts_do_not_run_together() -> None:
    """Parts are told apart by their lengths, also from the namespace and from having none."""
    assert (
        len({derive("n"), derive("n", ""), derive("n", "a", "bc"), derive("n", "ab", "c"), derive("n", "abc")})
        == 5
        == len({derive("na", "b"), derive("n", "ab"), derive("nab"), derive("n", "a", "b"), derive("", "n", "a", "b")})
    )


def test_secrets_change_ids() -> None:
    """With a secret the id is another one, of version 8, and nobody finds an instant in it."""
    open_id, guarded = derive("session", "c", "k"), derive("session", "c", "k", secret=b"s" * 64)
    assert open_id != guarded != derive("session", "c", "k", secret=b"t" * 64)
    assert guarded.version == 8
    assert guarded.variant == ID.variant
    assert instant_milliseconds(guarded) is None
