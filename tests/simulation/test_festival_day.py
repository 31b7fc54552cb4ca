"""A whole festival day from one seed: every answer as predicted, every audit clean, nothing left over at the end.

FESTIVAL_SEED plays another day (or the one that an objection names); FESTIVAL_DAYS sets how many the long test plays.
"""

import os
from collections.abc import Generator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import _fresh_database

from .auditor import Objection
from .canaries import ForgetfulTallies, GenerousTallies, HardOfHearing, HastyTallies, TrustingTallies
from .day import play
from .process import MakeTallies
from .stage import Plan

pytestmark = pytest.mark.engine

SEED = int(os.environ.get("FESTIVAL_SEED", "11"))
DAYS = int(os.environ.get("FESTIVAL_DAYS", "40"))
QUICK_STEPS = 420
LONG_STEPS = 1_800

CANARY_SEED = 7
DEAF_SEED = 8
"""A day on which a skipped fact is not mended by somebody's asking the bank before anyone looks."""

CANARY_STEPS = 600


async def test_a_day_goes_as_the_auditor_predicts(fresh_database: str, tmp_path: Path) -> None:
    """Each answer is the one that the rules give, whatever dies or is cut; after each phase all audits are clean."""
    auditor = await play(Plan(SEED, QUICK_STEPS), fresh_database, tmp_path)
    assert len(auditor.lines) > QUICK_STEPS // 2


@pytest.fixture
def second_database(postgres_url: str) -> Generator[str]:
    yield from _fresh_database(postgres_url)


async def test_the_same_seed_is_the_same_day(fresh_database: str, second_database: str, tmp_path: Path) -> None:
    """Without processes that race, a day is played again answer by answer; another seed is another day."""
    days: list[str] = []
    for number, (seed, url) in enumerate([(SEED, fresh_database), (SEED, second_database)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        days.append((await play(Plan(seed, 180, rushes=False), url, folder)).fingerprint)
    assert days[0] == days[1]


CANARIES: dict[str, tuple[MakeTallies, str]] = {
    "forgetful": (partial(ForgetfulTallies, count(1)), r"^tally|out_of_stock"),
    "hasty": (partial(HastyTallies, count(1)), r"^tally|out_of_stock"),
    "generous": (GenerousTallies, r"^tally|^units|out_of_stock"),
    "trusting": (TrustingTallies, r"^tally|^units|out_of_stock"),
}


@pytest.mark.parametrize("name", CANARIES)
async def test_canary_in_the_tallies(fresh_database: str, tmp_path: Path, name: str) -> None:
    """The auditor objects to tallies that forget one release in three, that settle one claim in three twice, and that
    sell one too many, with locks and without."""
    tallies, words = CANARIES[name]
    with pytest.raises(Objection, match=words):
        await play(Plan(CANARY_SEED, CANARY_STEPS, rushes=False, make_tallies=tallies), fresh_database, tmp_path)


async def test_canary_among_the_consumers(fresh_database: str, tmp_path: Path) -> None:
    """The auditor objects to a consumer that skips every second fact."""
    with pytest.raises(Objection, match=r"^tally|^order|^payment|^charge|reserves"):
        await play(Plan(DEAF_SEED, CANARY_STEPS, rushes=False, listen=HardOfHearing()), fresh_database, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED + 1, SEED + 1 + DAYS))
async def test_many_days(fresh_database: str, tmp_path: Path, seed: int) -> None:
    """Longer days of many seeds go as predicted."""
    await play(Plan(seed, LONG_STEPS), fresh_database, tmp_path)
