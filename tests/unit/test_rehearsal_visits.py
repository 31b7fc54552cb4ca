"""What shoppers of a rehearsal make of answers: counted once, asked again with the same key, never invented."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from nightmarket.rehearsal.play.brief import Brief, Good, Score
from nightmarket.rehearsal.play.cast import Arrival, Part
from nightmarket.rehearsal.play.curve import Timing
from nightmarket.rehearsal.players.visiting import PATIENCE_SECONDS, Reply, Visit

GOODS = [Good(f"var_{n}", f"/products/{n}", "lantern", f"m{n}", "lamps") for n in range(5)]
BRIEF = Brief(
    address="http://127.0.0.1:1",
    token="a key",
    run="reh_test",
    seed=7,
    orders=10,
    timing=Timing(9.0, 51.0),
    currency="EUR",
    country="DE",
    goods=GOODS,
    workers=1,
    slots=10,
)
ORDER = {"id": "ord_1", "permalink_url": ""}
GROUPS = {"methods": [{"groups": [{"id": "grp_1", "options": [{"id": "standard"}]}]}]}
TOTALS = [{"type": "subtotal", "amount": 900}, {"type": "total", "amount": 1111}]


def said(**members: Any) -> Reply:
    return Reply(200, msgspec.json.encode({"id": "chk_1", "currency": "EUR", "totals": TOTALS, **members}))


COMPLETED = said(status="completed", order=ORDER)
PENDING = said(status="complete_in_progress")
DECLINED = said(status="ready_for_complete", messages=[{"type": "error", "code": "payment_failed"}])
SOLD_OUT = said(status="ready_for_complete", messages=[{"type": "error", "code": "out_of_stock"}])


@dataclass
class PlayedShop:
    """A shop that answers `complete` by a list, everything else as an open shop does. Time passes when one pauses."""

    answers: list[Reply]
    score: Score = field(default_factory=Score)
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    seconds: float = 0.0

    def page(self, path: str, name: str) -> Reply:
        return Reply(200)

    def ask(self, method: str, path: str, body: object, key: str, name: str) -> Reply:
        if name in ("POST /complete", "GET /checkout-sessions"):
            self.asked.append((path, key))
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if "carts" in path:
            return said(id="cart_1")
        return said(status="incomplete" if method == "POST" else "ready_for_complete", fulfillment=GROUPS)

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds


def played(part: Part, answers: Sequence[Reply], number: int = 4) -> PlayedShop:
    shop = PlayedShop(list(answers))
    Visit(BRIEF, Arrival(1.0, number, part), shop, shop).play()
    return shop


def test_an_order_is_acknowledged_once() -> None:
    """Placed and paid, with the total that was answered."""
    score = played(Part.BUYER, [COMPLETED]).score
    assert (score.tried, score.placed, score.paid) == (1, 1, 1)
    assert [(one.order, one.total, one.state) for one in score.told] == [("ord_1", 1111, "completed")]


def test_who_gets_no_answer_asks_again_with_the_same_key() -> None:
    """Each time it is an error, and the order is one."""
    shop = played(Part.BUYER, [Reply(503), Reply(0), COMPLETED])
    assert len(shop.asked) == 3
    assert len(set(shop.asked)) == 1
    assert shop.score.errors == {"503": 1, "line lost": 1}
    assert (shop.score.tried, shop.score.placed) == (1, 1)


def test_who_never_gets_an_answer_gives_up() -> None:
    """After patience has ended; nothing is acknowledged."""
    shop = played(Part.BUYER, [Reply(500)])
    assert PATIENCE_SECONDS < shop.seconds < PATIENCE_SECONDS * 1.5
    assert shop.score.told == []
    assert shop.score.errors["gave up: 500"] == 1


def test_sold_out_is_a_refusal_and_no_error() -> None:
    """By its code."""
    score = played(Part.BUYER, [SOLD_OUT]).score
    assert score.refused == {"out_of_stock": 1}
    assert score.errors == {}
    assert score.placed == 0


@pytest.mark.parametrize("number", range(4, 44, 4))
def test_a_decline_is_counted_and_may_be_tried_again_with_another_key(number: int) -> None:
    """Half of them leave, half try another card; with it the order is placed once."""
    shop = played(Part.DECLINED, [DECLINED, COMPLETED], number)
    assert shop.score.refused == {"payment_failed": 1}
    assert shop.score.placed == len(shop.asked) - 1
    assert len({key for _, key in shop.asked}) == len(shop.asked)


def test_a_late_payment_is_placed_when_it_is_decided() -> None:
    """The session is looked at until then; one that never is stays undecided and is not acknowledged."""
    shop = played(Part.LATE, [PENDING, PENDING, COMPLETED])
    assert (shop.score.placed, shop.score.paid, len(shop.score.told)) == (1, 1, 1)
    assert [path.rpartition("/")[2] for path, _ in shop.asked] == ["complete", "chk_1", "chk_1"]
    never = played(Part.LATE, [PENDING]).score
    assert (never.placed, never.told, never.refused) == (0, [], {"payment_undecided": 1})


def test_a_transfer_is_placed_and_waits_for_its_money() -> None:
    """Whatever the answer says, it is not paid yet; most of them are to be paid later."""
    scores = [played(Part.TRANSFER, [COMPLETED], number).score for number in range(0, 200, 4)]
    assert all((score.placed, score.paid) == (1, 0) for score in scores)
    wishes = [score.told[0].wish for score in scores]
    assert set(wishes) == {"pay", ""}
    assert wishes.count("pay") > wishes.count("")


def test_a_bot_clicks_again_and_again_and_gets_one_order_a_key() -> None:
    """Repeated clicks carry the same key and are not counted; other keys are other orders."""
    shop = played(Part.BOT, [COMPLETED])
    assert len(shop.asked) == 9
    assert len({key for _, key in shop.asked}) == 3
    assert (shop.score.tried, shop.score.placed) == (3, 3)


def test_who_fills_a_cart_early_finds_it_again() -> None:
    """The second visit asks for the cart with the same key as the first, and orders; the first orders nothing."""
    first, second = PlayedShop([COMPLETED]), PlayedShop([COMPLETED])
    Visit(BRIEF, Arrival(-3.0, 8, Part.EARLY, filling=True), first, first).play()
    Visit(BRIEF, Arrival(1.0, 8, Part.EARLY), second, second).play()
    assert (first.score.tried, second.score.placed) == (0, 1)
