"""The verdict of a rehearsal: whatever is lost, doubled, sold twice or unpaid is named, and nothing else is."""

import inspect
import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from nightmarket.entrypoints.console.rehearsal.refusals import REFUSED, counted
from nightmarket.entrypoints.console.rehearsal.report import ANSWERS, SENTENCES, render
from nightmarket.entrypoints.console.rehearsal.speech import speech_of
from nightmarket.entrypoints.ucp.translate import CODES
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem
from nightmarket.orders import errors
from nightmarket.orders.contract import OrderState
from nightmarket.orders.model import limiting, session
from nightmarket.payments.contract import Movement, MovementKind
from nightmarket.rehearsal.model import CheckLine
from nightmarket.rehearsal.records import Acknowledged, Event, EventKind, Phase, Plan, Sample
from nightmarket.rehearsal.verdict import counting, judging, measuring, summing_up
from nightmarket.rehearsal.verdict.counting import Goods, Known
from nightmarket.rehearsal.verdict.reading import Run
from nightmarket.rehearsal.verdict.result import Answer, LimitOf, Result
from nightmarket.rehearsal.verdict.saying import Said
from nightmarket.rehearsal.verdict.summing_up import reasons_of

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (UUID(int=(0x0197 << 112) + (7 << 76) + (2 << 62) + n) for n in (1, 2, 3))
LAMP = UUID(int=(8 << 76) + (2 << 62) + 9)


def told(order: UUID, total: int = 900, state: str = "completed", t: float = 1.0) -> Acknowledged:
    return Acknowledged(order=encode("ord", order), total=total, currency="EUR", state=state, t=t)


def there(state: OrderState = OrderState.PAID, total: int = 900, *, paid: bool | None = None) -> Known:
    return Known(state, total, "EUR", "testpay", state is OrderState.PAID if paid is None else paid)


def moved(kind: MovementKind, order: UUID, amount: int, sequence: int = 1) -> Movement:
    return Movement(sequence, kind, str(order), f"tp_{order}", order, amount, "EUR", NOON)


def offs(answers: list[Answer]) -> dict[str, int]:
    return {one.name: one.off for one in answers if one.off}


def test_every_acknowledged_order_is_looked_up() -> None:
    """One that is not there, that costs something else or was never paid is named; what was said last counts."""
    lines = [told(FIRST), told(SECOND, state="complete_in_progress"), told(SECOND, t=2.0)]
    good = {FIRST: there(), SECOND: there()}
    assert offs(counting.present(lines, good)) == {}
    assert counting.present(lines, good)[0].looked_at == 2
    assert offs(counting.present(lines, {FIRST: there()})) == {"orders are there": 1}
    assert offs(counting.present(lines, good | {FIRST: there(total=899)})) == {"orders are as told": 1}
    assert offs(counting.present(lines, good | {SECOND: there(OrderState.PENDING)})) == {"orders are as told": 1}
    assert offs(counting.present([told(FIRST)], {FIRST: there(OrderState.CANCELLED, paid=True)})) == {}
    nonsense = Acknowledged(order="ord_nothing", total=1, currency="EUR", state="completed", t=0)
    assert offs(counting.present([nonsense], good)) == {"orders are there": 1}


def test_doubles_are_counted() -> None:
    """A second attempt is no double; the same attempt twice is, and so is a second payment."""
    assert not counting.doubled({(FIRST, 0): 1, (FIRST, 1): 1}, {FIRST: 1}).off
    assert counting.doubled({(FIRST, 0): 2}, {FIRST: 1}).off == 1
    assert counting.doubled({(FIRST, 0): 1}, {FIRST: 2}).off == 1


@pytest.mark.parametrize(
    ("goods", "over", "under"),
    [
        (Goods(capacity=50, free=0, sold=50), 0, 0),
        (Goods(capacity=50, free=3, sold=47), 0, 0),
        (Goods(capacity=50, free=0, sold=51), 1, 1),
        (Goods(capacity=50, free=0, sold=48), 0, 2),
        (Goods(capacity=50, free=2, sold=49), 0, 1),
        (Goods(capacity=50, free=10, sold=32, beside=8), 0, 0),
        (Goods(capacity=50, free=0, sold=43, beside=8), 1, 1),
    ],
)
def test_units_are_counted_from_orders(goods: Goods, over: int, under: int) -> None:
    """More in orders than came in is oversold; what is in no order and not free is undersold; what is free and in an
    order is off too."""
    assert counting.oversold({LAMP: goods}).off == over
    assert counting.undersold({LAMP: goods}).off == under


def test_money_and_orders_belong_together() -> None:
    """Money is kept for paid orders only, and each of them has all of its money."""
    orders = {FIRST: there(), SECOND: there(OrderState.CANCELLED, paid=True)}
    captured = moved(MovementKind.CAPTURED, FIRST, 900)
    back = [moved(MovementKind.CAPTURED, SECOND, 900), moved(MovementKind.REFUNDED, SECOND, 900)]
    assert offs(counting.money(orders, [captured, *back], "testpay")) == {}
    assert offs(counting.money(orders, back, "testpay")) == {"no order without money": 1}
    assert offs(counting.money(orders, [captured, back[0]], "testpay")) == {"no money without order": 1}
    stray = moved(MovementKind.CAPTURED, THIRD, 5)
    assert offs(counting.money(orders, [captured, *back, stray], "testpay")) == {"no money without order": 1}
    transfer = {FIRST: Known(OrderState.PAID, 900, "EUR", "transfer", was_paid=True)}
    assert offs(counting.money(transfer, [], "testpay")) == {}
    own = {FIRST: Known(OrderState.PAID, 900, "EUR", "testpay+held", was_paid=True, rehearsed=False)}
    assert offs(counting.money(own, [captured], "testpay")) == {}, "a shop's own order that waits for its group"
    assert offs(counting.money(own, [captured, stray], "testpay")) == {"no money without order": 1}


def sample(t: float, *, placed: int = 10, phase: Phase = Phase.RUSH, **cpu: float) -> Sample:
    return Sample(t=t, phase=phase, users=5, orders_tried=placed, orders_placed=placed, requests=placed, cpu=cpu)


def test_costs_leave_out_faults_and_players() -> None:
    """Processor time per order is of the shop alone, in stretches that no fault touched; the spread lies around the
    mean."""
    quiet = [sample(float(t), web=0.5 + (t // 10) / 10, locust=1.0) for t in range(40)]
    loud = [sample(float(t), web=2.0) for t in range(40, 50)]
    (web,) = measuring.costs([*quiet, *loud], [(41.0, 44.0)])
    assert web.part == "web"
    assert web.mean_us == pytest.approx(65_000)
    assert web.low_us <= web.mean_us <= web.high_us < 100_000
    assert measuring.costs(quiet[:20]) == (), "two stretches are no spread"


def test_the_limit_names_whose_processors_it_was() -> None:
    """The busiest part of the shop, and apart from it those who play shoppers."""
    limit = measuring.limit([sample(float(t), web=0.6, postgres=0.4, locust=0.8) for t in range(10)], 2)
    assert limit is not None
    assert (limit.part, limit.reached) == ("web", True)
    assert (limit.shop_cores, limit.generator_cores, limit.machine_cores) == (1.0, 0.8, 1.8)
    idle = measuring.limit([sample(float(t), web=0.1) for t in range(10)], 2)
    assert idle is not None
    assert not idle.reached
    strangers = measuring.limit([sample(float(t), web=0.3, others=1.6) for t in range(10)], 2)
    assert strangers is not None
    assert (strangers.reached, strangers.others_cores) == (False, 1.6), "a shop that answers quickly is not at its end"
    slow = [msgspec.structs.replace(sample(float(t), web=0.3, others=1.6), p99_ms=3_000.0) for t in range(10)]
    assert [measuring.limit(slow, cores).of for cores in (2, 8)] == [LimitOf.MACHINE, LimitOf.SHOP]  # type: ignore[union-attr]
    players = measuring.limit([sample(float(t), web=0.2, locust=0.95) for t in range(10)], 8)
    assert players is not None
    assert (players.of, players.reached) == (LimitOf.PLAYERS, False)
    struck = measuring.limit([sample(float(t), web=1.9) for t in range(10)], 2, 1, [(3.0, 5.0)])
    assert struck is None, "what a fault has touched says nothing of the limit"
    assert measuring.limit([], 2) is None


def test_faults_find_their_recoveries() -> None:
    """Each recovery ends the first fault of its name that is still open; one that could not strike stands apart."""
    events = [
        Event(t=1, kind=EventKind.FAULT, what="kill-web", detail="a"),
        Event(t=2, kind=EventKind.FAULT, what="kill-worker", detail="b"),
        Event(t=3, kind=EventKind.RECOVERY, what="kill-worker"),
        Event(t=4, kind=EventKind.RECOVERY, what="kill-web"),
        Event(t=5, kind=EventKind.FAULT, what="kill-web", detail="c"),
        Event(t=6, kind=EventKind.NOTE, what="fill-disk", detail="could not strike: too large"),
    ]
    lines = measuring.faults(events)
    assert [(one.fault, one.down_seconds, one.refused) for one in lines] == [
        ("kill-web", 3, False),
        ("kill-worker", 1, False),
        ("kill-web", None, False),
        ("fill-disk", None, True),
    ]


def a_run(*acknowledged: Acknowledged, events: list[Event] | None = None) -> Run:
    plan = Plan(
        run="reh_x", seed=7, minutes=1, peak=10, scale=1, orders=10, processes=1, against="http://127.0.0.1:1",
        own_shop=True, home="/x", cores=2, asked_at=NOON.isoformat(), asked_by="a test",
    )  # fmt: skip
    samples = [sample(float(t), web=0.5 + t % 3 / 10, postgres=0.4, locust=0.7) for t in range(60)]
    return Run(plan, samples, list(acknowledged), events or [])


def judged(run: Run, *answers: Answer, audit: int = 0) -> Result:
    line = CheckLine("tallies", "Every tally adds up.", audit, 0.1, ["a row"] * audit)
    seen = summing_up.Seen(
        answers=answers,
        audit=(line,),
        known={FIRST: there()},
        placed_at={FIRST: NOON, SECOND: NOON},
        lag_seconds=0.2,
        settled_seconds=3.0,
        judged_at=NOON,
        version="0",
    )
    return summing_up.sum_up(run, seen)


def test_go_only_when_nothing_is_off() -> None:
    """A go needs every answer and every check to hold, every fault to be over, and something to have been sold."""
    fine = counting.answer("x", "X holds.", 1, [])
    assert judged(a_run(told(FIRST)), fine).go
    assert not judged(a_run(told(FIRST)), counting.answer("x", "X holds.", 1, ["off"])).go
    assert not judged(a_run(told(FIRST)), fine, audit=1).go
    assert not judged(a_run(), fine).go
    open_end = [Event(t=1, kind=EventKind.FAULT, what="kill-web", detail="a")]
    result = judged(a_run(told(FIRST), events=open_end), fine)
    assert not result.go
    assert any("did not come back" in reason for reason in result.reasons)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event(t=6, kind=EventKind.NOTE, what="fill-disk", detail="could not strike: too large"), "never struck"),
        (Event(t=6, kind=EventKind.NOTE, what="stopped", detail="ended before its time"), "before its time"),
    ],
)
def test_what_was_not_rehearsed_is_no_go(event: Event, said: str) -> None:
    """A fault that never struck, and a play that somebody ended: nothing is known of what did not happen."""
    result = judged(a_run(told(FIRST), events=[event]), counting.answer("x", "X holds.", 1, []))
    assert not result.go
    assert any(said in reason for reason in result.reasons)


def test_a_shop_that_does_not_answer_is_no_go() -> None:
    """Few failures are a worry, many without any fault a reason, those during a fault and soon after neither; nor is
    it a go when hardly anybody came so far as to ask, or the audit looked at nothing."""
    fine = counting.answer("x", "X holds.", 1, [])

    def failing(amount: int, *events: Event) -> Result:
        run = a_run(told(FIRST), events=list(events))
        for one in run.samples[20:30]:
            one.errors = {"503": amount}
        return judged(run, fine)

    assert failing(0).go
    few = failing(1)
    assert few.go
    assert few.worries
    assert not failing(5).go
    spell = (
        Event(t=20, kind=EventKind.FAULT, what="kill-web", detail="a"),
        Event(t=21, kind=EventKind.RECOVERY, what="kill-web"),
    )
    assert failing(50, *spell).go
    empty = a_run(told(FIRST))
    large = Run(msgspec.structs.replace(empty.plan, orders=5_000), empty.samples, empty.acknowledged, [])
    assert not judged(large, fine).go
    assert reasons_of([fine], [], judged(empty, fine).figures, [])


DETAILS = (
    "kill -9 of a web process (12)",
    "PostgreSQL (12) was told to shut down in order",
    "the provider says nothing for 9 s",
    "the disk under home is full for 9 s (ENOSPC)",
    "PostgreSQL may not write for 9 s (RLIMIT_FSIZE: its disk is too large to be filled)",
    "could not strike: No fault is possible here.",
    "service was back 1.5 s after it struck",
    "service was not back 60 s after it was over",
    "12 orders were cancelled",
    "ended before its time",
    "ord_1: acknowledged at 3.5 s, not there",
    "ord_1: told 1 EUR, there are 2 EUR",
    "ord_1: told that it is paid, it is pending",
    "ord_1: attempt 2 placed 3 times",
    "ord_1: paid 2 times",
    "var_1: 4 in orders, 3 came in",
    "var_1: 5 came in, 2 in orders, 1 free: 2 held by nobody",
    "var_1: 5 came in, 2 in orders, 4 free: 1 free that are in orders",
    "ord_1: 7 kept too much; the order is cancelled",
    "ord_1: 7 of 9 never came",
    "1.5 s behind",
)
"""What a rehearsal writes down of its faults, and what its judge finds."""


def test_every_sentence_of_a_verdict_can_be_translated() -> None:
    """The report's list of sentences has each that the judge may say, and no other; so has that of the answers."""
    said = set(re.findall(r'"((?:[^"\\]|\\.)*)"', inspect.getsource(summing_up)))
    sentences = {text for text in SENTENCES if len(text) < 90}
    assert sentences <= said
    amount = inspect.getsource(summing_up).count("Said(")
    assert amount >= len(SENTENCES)
    source = inspect.getsource(counting) + inspect.getsource(judging)
    assert all(text in source for text in ANSWERS)
    for language in ("de", "it", "zh"):
        speech = speech_of(language)
        assert all(speech.translate(text) != text for text in (*SENTENCES, *ANSWERS))
        assert all(speech.rules(text) != text for text in DETAILS)
    refused = Said(SENTENCES[3], {"fault": "kill-web", "t": 9, "why": Said("Process 12 had just ended by itself.")})
    assert speech_of("de").tell(refused).endswith(": Prozess 12 war gerade von selbst zu Ende gegangen.")
    assert speech_of("de").rules("kill -9 of the worker (12)") == "kill -9: der Worker (12)"
    states = ["not there", *(state.name.lower() for state in OrderState)]
    assert all(speech_of("zh").rules(text) != text for text in states)


def test_codes_are_said_in_words() -> None:
    """What is refused for one reason is counted as one; a code that nobody knows stays itself."""
    english = speech_of("en")
    counts = {"incomplete": 2, "not_ready": 3, "new_code": 1, "gave up: 503": 4}
    assert counted(english, counts, 9) == [
        "something was missing 5", "gave up (503: overloaded or away) 4", "new_code 1",
    ]  # fmt: skip
    assert counted(speech_of("de"), {"out_of_stock": 1_234}, 9) == ["ausverkauft 1.234"]


def test_whatever_an_order_is_refused_for_has_words() -> None:
    """Each problem of orders, as the order API says its code, and each notice of a checkout."""
    problems = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, Problem)]
    notices = re.findall(r'Notice\(\s*"(\w+)"', inspect.getsource(session) + inspect.getsource(limiting))
    assert len(notices) > 8
    codes = {CODES.get(code, code) for code in (*notices, *(one.code for one in problems))}
    assert codes - REFUSED.keys() == {Problem.code}


def test_the_report_speaks_the_readers_language() -> None:
    """Headings, findings, numbers and the audit's rules; nothing of it is left in English."""
    run = a_run(told(FIRST))
    result = judged(run, counting.answer("no oversell", ANSWERS[3], 1, []))
    english, german = (render(result, run, speech_of(language)) for language in ("en", "de"))
    assert '<html lang="de">' in german
    assert "Von außen gefragt" in german
    assert "mean of every" in english
    assert "mean of every" not in german
    for text in re.findall(r"<(?:h2|th|dt|summary|caption)[^>]*>([^<]{4,})<", english):
        if not re.search(r"[0-9_]|^(web|postgres|locust|supervisor|Every tally adds up\.|Symbol)", text):
            assert f">{text}<" not in german, text


def test_a_result_survives_its_file() -> None:
    """`result.json` is read as it was written, and counts what it says."""
    result = judged(a_run(told(FIRST), told(THIRD)), counting.answer("x", "X holds.", 1, []))
    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result
    assert (result.figures.acknowledged, result.figures.present, result.figures.paid) == (2, 1, 1)
    assert result.figures.peak_per_second == 10
    assert {cost.part for cost in result.costs} == {"web", "postgres"}
