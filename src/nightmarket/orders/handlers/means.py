"""What the handlers of orders work with; put together in bootstrap."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nightmarket.catalog.contract import Catalog
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.orders.contract import DeliveryOptions
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.payments.contract import Journal, Payments, Provider
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import Books
from nightmarket.tally.contract import Tallies


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
    faults: Faults = field(default=NO_FAULTS)
