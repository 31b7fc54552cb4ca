"""What the handlers of claims work with; put together in bootstrap."""

from dataclasses import dataclass
from typing import TypeVar

from nightmarket.catalog.contract import Shelf
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import BATCH_LIMIT, GroupCommit, Work
from nightmarket.tally.contract import Tallies

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class Means:
    """Collaborators. `secret` keys the ids of claims."""

    database: Database
    tallies: Tallies
    shelf: Shelf
    facts: Facts
    clock: Clock
    secret: bytes
    batch: int = BATCH_LIMIT
    """Commands of one transaction; a test sets it low."""

    def lane(self, name: str, work: Work[I, O], *, batch: int | None = None) -> GroupCommit[I, O]:
        return GroupCommit(name, self.database, work, batch_limit=batch or self.batch)
