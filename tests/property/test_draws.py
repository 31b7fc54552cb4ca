"""Draws and surprise prices: whatever the tickets, prizes and prices are."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.entrypoints.storefront.draws.proving import Turns
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.problems import Unavailable
from nightmarket.promotions.contract.draws import Draw, DrawState, DrawTerms, Prize, RuleKind, TicketRule, Voucher
from nightmarket.promotions.model.draw_proof import check_draw, head_lines, ticket_line, winner_line
from nightmarket.promotions.model.draw_rules import MAX_VOUCHERS, draw_flaws
from nightmarket.promotions.model.draws import draw_key, list_hash, result, terms_text
from nightmarket.promotions.model.surprises import (
    SurpriseTerms,
    check_surprise,
    commitment_of,
    fits,
    opening,
    plain_price,
    usual_mask,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
TICKETS = st.lists(st.uuids(), max_size=40)
SEEDS = st.binary(min_size=32, max_size=32)
PRIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(
    lambda amounts: tuple(Prize(f"p{n}", {"en": f"Prize {n}"}, units, 100) for n, units in enumerate(amounts))
)


def _terms(prizes: tuple[Prize, ...], beacon: str = "") -> DrawTerms:
    rules = (TicketRule("once", RuleKind.PERSON),)
    return DrawTerms({"en": "A draw"}, NOW, NOW + timedelta(hours=1), "EUR", 100_000, rules, prizes, beacon)


def _slow(
    seed: bytes, tickets: list[UUID], terms: str, units: list[tuple[str, int]], beacon: str
) -> list[tuple[UUID, str]]:
    """The rule once more, from the words of docs/explanation/draws.md: the smallest lot, again and again."""
    left = {ticket.bytes for ticket in tickets}
    listed = hashlib.sha256(b"".join(sorted(left))).digest()
    told = hashlib.sha256(terms.encode()).digest()
    key = hashlib.sha256(b"nightmarket-prizes 1\n" + seed + listed + told + beacon.encode()).digest()
    won: list[tuple[UUID, str]] = []
    for name, amount in units:
        for _ in range(amount):
            if not left:
                return won
            best = min(left, key=lambda raw: (hmac.new(key, raw, "sha256").hexdigest(), raw.hex()))
            left.remove(best)
            won.append((UUID(bytes=best), name))
    return won


def _published(draw: Draw, tickets: list[UUID], won: list[tuple[UUID, str]]) -> list[str]:
    told = [winner_line(place, ticket, prize) for place, (ticket, prize) in enumerate(won, 1)]
    return [*head_lines(draw), *told, *(ticket_line(ticket) for ticket in sorted(set(tickets)))]


def _drawn(
    seed: bytes, tickets: list[UUID], prizes: tuple[Prize, ...], beacon: str
) -> tuple[Draw, list[tuple[UUID, str]]]:
    terms = _terms(prizes, "the weather" if beacon else "")
    text, distinct = terms_text(terms), set(tickets)
    hashed = list_hash(distinct)
    draw = Draw(
        derive("draw"), terms, text, seed, hashlib.sha256(seed).digest(), DrawState.DONE, NOW, "test",
        len(distinct), hashed, beacon, NOW,
    )  # fmt: skip
    return draw, result(draw_key(seed, hashed, draw.terms_hash, beacon), distinct, prizes)


@given(SEEDS, TICKETS, PRIZES, st.sampled_from(["", "1.0842"]))
def test_a_draw_agrees_with_a_second_slow_implementation(
    seed: bytes, tickets: list[UUID], prizes: tuple[Prize, ...], beacon: str
) -> None:
    """Winners are as many as there are prizes or tickets, each ticket wins at most once, each prize goes at most as
    often as there are pieces, and an independent program comes to the same."""
    draw, won = _drawn(seed, tickets, prizes, beacon)
    assert len(won) == min(len(set(tickets)), sum(prize.units for prize in prizes))
    assert len({ticket for ticket, _ in won}) == len(won)
    for prize in prizes:
        assert sum(key == prize.key for _, key in won) <= prize.units
    assert won == _slow(seed, tickets, draw.terms_text, [(one.key, one.units) for one in prizes], beacon)


@given(SEEDS, st.lists(st.uuids(), min_size=1, max_size=30), PRIZES, st.randoms(use_true_random=False))
def test_the_order_of_tickets_decides_nothing(
    seed: bytes, tickets: list[UUID], prizes: tuple[Prize, ...], chance: object
) -> None:
    """However the list is shuffled or a ticket repeated, the hash of the list and the winners stay."""
    assert hasattr(chance, "shuffle")
    shuffled = [*tickets]
    chance.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    key = draw_key(seed, list_hash(tickets), b"", "")
    assert list_hash(shuffled) == list_hash(tickets)
    assert result(key, [*shuffled, shuffled[0]], prizes) == result(key, tickets, prizes)


@given(SEEDS, st.lists(st.uuids(), min_size=2, max_size=30, unique=True), PRIZES, st.data())
def test_a_changed_list_is_found(
    seed: bytes, tickets: list[UUID], prizes: tuple[Prize, ...], data: st.DataObject
) -> None:
    """The published text proves itself; another seed, a ticket less, other terms, a swapped winner do not."""
    draw, won = _drawn(seed, tickets, prizes, "")
    lines = _published(draw, tickets, won)
    good = check_draw(lines, encode("dtk", won[0][0]), draw.seed_hash.hex())
    assert good.holds
    assert good.ticket_place == 1
    assert good.ticket_prize == won[0][1]
    assert not check_draw(lines, seed_hash="00" * 32).holds
    told = [line for line in lines if line.startswith("ticket ")]
    gone = data.draw(st.sampled_from(told))
    assert not check_draw([line for line in lines if line != gone]).holds
    assert not check_draw([line.replace('"units":', '"units":1') for line in lines]).holds
    other = bytes([seed[0] ^ 1, *seed[1:]])
    assert not check_draw([line.replace(seed.hex(), other.hex()) for line in lines]).holds
    if len(won) < len(tickets):
        loser = next(ticket for ticket in tickets if ticket not in dict(won))
        false = [(loser, won[0][1]), *won[1:]]
        assert not check_draw(_published(draw, tickets, false)).holds


@given(st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "BHD"]))
def test_the_usual_mask_hides_something_and_fits(amount: int, currency: str) -> None:
    """The mask that is proposed shows a part of its price and no digit that is not there."""
    mask = usual_mask(amount, currency)
    assert "?" in mask
    assert fits(mask, amount, currency)
    assert not fits(plain_price(amount, currency) + "0", amount, currency)


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
def test_a_commitment_binds(price: int, other: int, salt: bytes, another: bytes) -> None:
    """The opening proves the price that was committed to; any other price, instant or salt does not."""
    id = derive("surprise")

    def told(amount: int, salted: bytes, minutes: int = 0) -> str:
        at = NOW + timedelta(minutes=minutes)
        terms = SurpriseTerms(derive("m"), derive("p"), (derive("v"),), "EUR", amount, "?", at, at, at)
        return opening(id, terms, salted)

    commitment = commitment_of(told(price, salt)).hex()
    assert check_surprise(told(price, salt), commitment).holds
    assert check_surprise(told(price, salt).replace("\n", "\r\n"), commitment).holds
    assert check_surprise(told(price, salt), commitment).price == price
    assert check_surprise(told(other, salt), commitment).holds == (other == price)
    assert check_surprise(told(price, another), commitment).holds == (another == salt)
    assert not check_surprise(told(price, salt, 1), commitment).holds


def test_a_draw_gives_a_bounded_number_of_vouchers() -> None:
    """Each is an offer of the book; a draw with more than MAX_VOUCHERS is refused, with as many it is not."""
    for units, reasons in ((MAX_VOUCHERS, []), (MAX_VOUCHERS + 1, ["too_many_vouchers"])):
        prize = Prize("v", {"en": "A voucher"}, units, 100, Voucher(30, amounts={"EUR": 100}))
        rules = (TicketRule("once", RuleKind.PERSON),)
        terms = DrawTerms({"en": "Draw"}, NOW, NOW + timedelta(days=1), "EUR", units * 100, rules, (prize,))
        assert [flaw.reason for flaw in draw_flaws(terms, NOW)] == reasons


def test_a_download_waits_for_a_turn_and_one_that_nobody_reads_is_given_back() -> None:
    """No more at a time than there are turns; what ends, or is dropped before it begins, makes room."""
    turns = Turns(2)
    first, second = turns.take(), turns.take()
    with pytest.raises(Unavailable):
        turns.take()
    turns.give_back(first)
    third = turns.take()
    with pytest.raises(Unavailable):
        turns.take()
    del second
    assert {turns.take(), third}
