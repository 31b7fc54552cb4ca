"""A whole festival day from one seed: every answer as predicted, every audit clean, nothing left over at the end."""

import os
from pathlib import Path

import pytest

from .day import play
from .stage import Plan

pytestmark = pytest.mark.engine

SEED = int(os.environ.get("FESTIVAL_SEED", "11"))


async def test_a_day_goes_as_the_auditor_predicts(fresh_database: str, tmp_path: Path) -> None:
    """Each answer is the one that the rules give, whatever dies or is cut; after each phase all audits are clean."""
    auditor = await play(Plan(SEED), fresh_database, tmp_path)
    assert len(auditor.lines) > 500
