"""`make torture`: what counts as a round that held, and what its table says of one that did not."""

import argparse
from datetime import UTC, datetime

import msgspec

from nightmarket.rehearsal.verdict import FaultLine, Figures, Result
from tools.torture import Played, page, row

FINE = Result(
    run="reh_x", seed=7, minutes=1, version="0", judged_at="", go=True, reasons=(), worries=(), answers=(), audit=(),
    faults=(FaultLine(fault="kill-web", t=3, detail="a", down_seconds=2.5),),
    figures=Figures(acknowledged=11, present=11, tried=12), costs=(), limit=None, capacity_per_second=None, cores=2,
)  # fmt: skip


def test_a_round_holds_only_when_something_was_struck_and_all_came_back() -> None:
    """A go, taken back without a trace, in which a fault struck; a shop that was spared proves nothing."""
    assert Played(FINE, 9, 0).held
    assert not Played(None, 9, 0).held
    assert not Played(FINE, 9, 1).held
    assert not Played(msgspec.structs.replace(FINE, go=False), 9, 0).held
    spared = msgspec.structs.replace(FINE, faults=(FaultLine(fault="kill-web", t=3, detail="a", refused=True),))
    assert not Played(spared, 9, 0).held
    assert not Played(msgspec.structs.replace(FINE, faults=()), 9, 0).held


def test_the_table_says_what_happened() -> None:
    """Each fault with how long it took, what was found, and the reason where it was no go; also of a night that was cut
    off after some rounds."""
    good = row(1, 7, Played(FINE, 9, 0, placed=11, tried=12))
    assert "kill-web (2.5 s)" in good
    assert "| 11 of 12 | 11 of 11 |" in good
    assert good.endswith("| go |")
    bad = row(2, 8, Played(msgspec.structs.replace(FINE, go=False, reasons=("one lost",)), 9, 1))
    assert "**no go**: one lost" in bad
    assert "**nothing was judged**" in row(3, 9, Played(None, 9, 2))
    chosen = argparse.Namespace(rounds=10, minutes=3.0, seed=7, peak=20.0, faults="random")
    text = page(chosen, (datetime(2026, 11, 22, tzinfo=UTC), "abc1234"), [good, bad], 1)
    for said in ("commit abc1234", "2 of 10 rounds", "1 of 2 were a go", "SEED=7 make torture", good, bad):
        assert said in text
