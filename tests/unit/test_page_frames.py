"""A page that is cut at its marks and joined again says the same to everyone, and to each visitor what is theirs."""

from uuid import UUID

import pytest

from nightmarket.entrypoints.storefront.frames import Filling, Gaps, cut, filled

LAMP, TEA = UUID(int=1), UUID(int=2)


def said(language: str, style: str, left: int, capacity: int) -> bytes:
    return f"<{language} {style} {left}/{capacity}>".encode()


def filling(token: str, left: list[tuple[int, int]]) -> Filling:
    return Filling(token.encode(), b"2 items", b"1700", [], left, said)


def test_gaps_are_filled_and_the_rest_stays() -> None:
    """Token, count, time and stock stand where their marks stood, in every place, and nothing else changes."""
    gaps = Gaps("word")
    gaps.live("var_1", (LAMP,))
    gaps.live("prd_2", (TEA, LAMP))
    tea, lamp = gaps.stock("prd_2", "card"), gaps.stock("var_1", "bar")
    page = f"a{gaps.token}b{gaps.count}c{gaps.now}d{tea}e{gaps.token}f{lamp}g"
    frame = cut(page.encode(), gaps, {"var_1": False, "prd_2": True}, frozenset(), "de")
    assert filled(frame, filling("T", [(3, 9), (0, 12)])) == b"aTb2 itemsc1700d<de card 0/12>eTf<de bar 3/9>g"
    assert frame.outs == (False, True)
    assert set(frame.tallies) == {LAMP, TEA}
    assert filled(frame, filling("U", [(3, 9), (0, 12)])).count(b"U") == 2


def test_what_is_said_of_rooms_stands_with_its_product() -> None:
    """Each in its own place."""
    gaps = Gaps("word")
    frame = cut(f"a{gaps.room(TEA)}b{gaps.room(LAMP)}c".encode(), gaps, {}, frozenset(), "en")
    assert [product for _, product in frame.rooms] == [TEA, LAMP]
    assert filled(frame, Filling(b"", b"", b"", [b"<tea>", b""], [], said)) == b"a<tea>bc"


def test_words_that_look_like_marks_stay_words() -> None:
    """Only marks with the word of the shop are gaps: what a merchant writes cannot become a visitor's token."""
    gaps = Gaps("word")
    page = f"[[wrong:token:]] [[:token:]] [[word:token:]x] {gaps.token}"
    frame = cut(page.encode(), gaps, {}, frozenset(), "en")
    assert filled(frame, filling("T", [])) == b"[[wrong:token:]] [[:token:]] [[word:token:]x] T"


def test_stock_of_what_was_not_declared_is_refused() -> None:
    """A page cannot show stock that nobody reads."""
    gaps = Gaps("word")
    with pytest.raises(KeyError):
        cut(str(gaps.stock("var_9", "card")).encode(), gaps, {}, frozenset(), "en")


def test_the_digest_follows_the_words() -> None:
    """Two different pages have different digests, the same page the same."""
    gaps = Gaps("word")
    one, same, other = (cut(text, gaps, {}, frozenset(), "en").digest for text in (b"a", b"a", b"b"))
    assert one == same != other
