"""A server with nothing left to work with: a batch waits it out, or is refused as a whole and can be asked again."""

from collections.abc import Sequence

import pytest

from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import GroupCommit
from tests.integration.group_commit.store import Item, Store, all_of, at_commit, stored

pytestmark = pytest.mark.engine

FULL = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"


class Full(Store):
    """Runs into a full disk so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
        outcomes = await super().__call__(tx, items)
        if len(self.sizes) <= self._times:
            await tx.execute(FULL)
        return outcomes


async def test_a_full_disk_is_waited_out(pools: Database) -> None:
    """A batch that finds the disk full is tried again whole, and once there is room nobody has noticed."""
    work = Full(2)
    lane = GroupCommit("test", pools, work)
    assert await all_of([lane.submit(Item(number)) for number in range(9)]) == ["new"] * 9
    assert work.sizes == [9] * 3
    assert len(await stored(pools)) == 9


async def test_full_at_commit(pools: Database) -> None:
    """The same where the disk is found full by the commit itself: nothing is doubled."""
    await at_commit(pools, 2, FULL)
    lane = GroupCommit("test", pools, Store())
    assert await all_of([lane.submit(Item(number)) for number in range(3)]) == ["new"] * 3
    assert len(await stored(pools)) == 3


async def test_a_disk_that_stays_full_is_unavailable(pools: Database) -> None:
    """Everybody in the batch hears that nothing can be had now, and nothing is stored; the reader says so too."""
    lane = GroupCommit("test", pools, Full(10_000), retry_seconds=0.4)
    answers = await all_of([lane.submit(Item(number)) for number in range(3)])
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert await stored(pools) == {}
    with pytest.raises(Unavailable):
        async with pools.transaction() as tx:
            await tx.execute(FULL)
