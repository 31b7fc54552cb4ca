"""What the handlers of orders work with; put together in bootstrap."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from nightmarket.catalog.contract import Catalog
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.orders.contract import Buyers, DeliveryOptions
from nightmarket.orders.model.order import UTC
from nightmarket.orders.model.prepared import Terms
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.orders.policies import NO_ACCOUNTS, NOTHING_GONE, KnownTogether, tell_nobody
from nightmarket.payments.contract import Journal, Payments, Provider
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import BATCH_LIMIT, QUEUE_LIMIT, GroupCommit, OneTry, PipelinedCommit, Turn, Work
from nightmarket.promotions.contract import Book, Books
from nightmarket.tally.contract import GoneTallies, Tallies

CANCEL_BATCH = 50
DUE_BATCH = 200

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once. A test sets them low, so that what is rare becomes frequent."""

    batch: int = BATCH_LIMIT
    """Commands of one transaction."""
    queue: int = QUEUE_LIMIT
    """Commands that wait for the next transaction of their lane; more are refused at once."""
    cancels: int = CANCEL_BATCH
    """Cancellations of one transaction."""
    due: int = DUE_BATCH
    """Rows that one step of the due orders reads."""


@dataclass(frozen=True, slots=True)
class Means:
    """Collaborators. `secret` keys the ids of sessions; `providers` are the payment handlers by id."""

    database: Database
    catalog: Catalog
    books: Books
    tallies: Tallies
    journal: Journal
    payments: Payments
    providers: Mapping[str, Provider]
    deliveries: DeliveryOptions
    facts: Facts
    clock: Clock
    ids: Ids
    secret: bytes
    rehearsed: frozenset[str] = field(default=frozenset())
    """Payment handlers that move no real money: the only ones by which a rehearsal's orders are paid."""
    faults: Faults = field(default=NO_FAULTS)
    zone: ZoneInfo = field(default=UTC)
    """In which the times of bookings are said."""
    limits: Limits = field(default=Limits())
    buyers: Buyers = field(default=NO_ACCOUNTS)
    tell: Callable[[Iterable[UUID]], None] = field(default=tell_nobody)
    """Tells every process, after the commit, of the tallies of which the last is gone."""
    gone: GoneTallies = field(default=NOTHING_GONE)
    knowing: KnownTogether = field(default_factory=KnownTogether)
    """Tells carts and sessions what prices may know of their shoppers."""
    turn: Turn = field(default_factory=Turn)
    """Of the batches that claim and those that settle: both lock sessions and slices."""

    def terms(self, book: Book) -> Terms:
        """What prices and orders follow from now, by that book."""
        return Terms(book, self.deliveries.options, self.deliveries.stamp, self.zone)

    def lane(
        self,
        name: str,
        work: Work[I, O],
        *,
        batch: int | None = None,
        turn: Turn | None = None,
        pipelined: bool = False,
    ) -> GroupCommit[I, O]:
        """A lane into the database for commands of one kind; `pipelined` where its writes travel with COMMIT."""
        limits = self.limits
        kind = PipelinedCommit[I, O] if pipelined else GroupCommit[I, O]
        lane = kind(name, self.database, work, batch_limit=batch or limits.batch, queue_limit=limits.queue)
        lane.turn = turn or lane.turn
        return lane

    def one_try(self, name: str, work: Work[I, O | None], turn: Turn) -> OneTry[I, O]:
        """A lane for what may also go another way."""
        limits = self.limits
        lane = OneTry[I, O](name, self.database, work, batch_limit=limits.batch, queue_limit=limits.queue)
        lane.turn = turn
        return lane
