"""Counts for pages that a crowd loads."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.database import Connection
from nightmarket.promotions.handlers.counting import FEW, KEPT_FOR, Counted

SMALL, LARGE = UUID(int=1), UUID(int=2)
NOBODY = cast(Connection, cast(Any, None))


class Rows:
    """A table whose rows are counted."""

    def __init__(self) -> None:
        self.rows = {SMALL: 3, LARGE: FEW + 1}
        self.asked: list[UUID] = []

    async def count(self, _: Connection, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        self.asked.extend(ids)
        return {id: self.rows[id] for id in ids if id in self.rows}


async def test_few_are_counted_each_time_and_many_once_in_a_while() -> None:
    """Whoever takes the second ticket sees two; a million are not counted again for each of a crowd."""
    clock, table = VirtualClock(datetime(2026, 11, 11, tzinfo=UTC)), Rows()
    counted = Counted(clock, table.count)
    assert await counted.of(NOBODY, [SMALL, LARGE, UUID(int=3)]) == {SMALL: 3, LARGE: FEW + 1}
    table.rows = {SMALL: 4, LARGE: FEW + 9}
    assert await counted.of(NOBODY, [SMALL, LARGE]) == {SMALL: 4, LARGE: FEW + 1}
    assert table.asked.count(LARGE) == 1
    clock.advance(KEPT_FOR + timedelta(milliseconds=1))
    assert await counted.of(NOBODY, [LARGE]) == {LARGE: FEW + 9}
