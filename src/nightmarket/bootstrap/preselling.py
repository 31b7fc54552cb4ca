"""Presales, joined: their rooms, and the desk that moves their money."""

from typing import Any

from nightmarket.catalog.handlers.prices import StoredPriceHistory
from nightmarket.orders.contract import KnownTogether
from nightmarket.orders.handlers import Means, OrderDesk
from nightmarket.payments.jobs.reconciliation import ProviderReconciliation
from nightmarket.platform.messages import Outbox
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.presale_steps import PresaleMeans
from nightmarket.promotions.handlers.presales import StoredPresales
from nightmarket.tally.contract import Tallies
from nightmarket.workflows.presale import PresaleDesk, PresaleDeskMeans, PresaleKnowing

from .shop import PROVIDER


def preselling(
    means: Means, rooms: tuple[Tallies, OrderDesk], outbox: Outbox, address: str, known: KnownTogether
) -> dict[str, Any]:
    """Carts and checkouts hear of balances from now on."""
    tallies, orders = rooms
    presales = StoredPresales(
        PresaleMeans(
            database=means.database,
            catalog=means.catalog,
            history=StoredPriceHistory(),
            tallies=tallies,
            # without costs: a balance is no price, the deposit belongs to it
            offers=StoredOffers(means.facts, tallies, means.catalog),
            facts=means.facts,
            outbox=outbox,
            clock=means.clock,
            address=address,
            zone=means.zone,
        )
    )
    known.sources.append(PresaleKnowing(presales))
    desk = PresaleDesk(
        PresaleDeskMeans(
            database=means.database,
            presales=presales,
            payments=means.payments,
            journal=means.journal,
            providers={PROVIDER: means.providers[PROVIDER]},
            reconciliation=ProviderReconciliation(means.providers),
            orders=orders,
            clock=means.clock,
        )
    )
    return {"presales": presales, "presale_desk": desk}
