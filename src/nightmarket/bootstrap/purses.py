"""Wallets, joined: the room of payments, whom it writes to, and who follows orders for it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nightmarket.engagement.contract.profiles import Profiles
from nightmarket.engagement.handlers import StoredProfiles
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.orders.handlers import Means, StoredOrderBooks
from nightmarket.payments.handlers.wallet_giving import WalletMeans
from nightmarket.payments.handlers.wallets import StoredWallets
from nightmarket.platform.access import Identities, Role, account_emails, page_of_accounts
from nightmarket.platform.aside import Aside
from nightmarket.platform.database import Connection
from nightmarket.platform.messages import Outbox
from nightmarket.promotions.contract.festivals import Festivals
from nightmarket.tally.contract import Tallies
from nightmarket.workflows.cashback import Cashback


class ShopperAccounts:
    """Implements `payments.contract.wallets.AccountPages`."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def after(self, connection: Connection, account: UUID, limit: int) -> Sequence[tuple[UUID, bool]]:
        page = await page_of_accounts(connection, account, limit)
        return [(one.id, one.role is Role.SHOPPER and one.state == "active") for one in page]

    async def addresses(self, connection: Connection, accounts: Sequence[UUID]) -> Mapping[UUID, tuple[str, str]]:
        emails = await account_emails(connection, accounts)
        profiles = await self._profiles.of(connection, list(emails))
        return {
            id: (email, profiles[id].language if id in profiles else DEFAULT_LANGUAGE) for id, email in emails.items()
        }


def purses(
    means: Means, tallies: Tallies, outbox: Outbox, address: str, people: tuple[Festivals, Identities]
) -> dict[str, Any]:
    """The wallets, and who follows orders for them."""
    festivals, identities = people
    profiles = StoredProfiles(means.facts, means.clock, means.ids)
    aside = Aside(means.database, means.clock, means.ids)
    wallets = StoredWallets(
        WalletMeans(
            database=means.database,
            tallies=tallies,
            journal=means.journal,
            facts=means.facts,
            outbox=outbox,
            people=ShopperAccounts(profiles),
            clock=means.clock,
            secret=means.secret,
            address=address,
        )
    )
    return {
        "wallets": wallets,
        "cashback": Cashback(wallets, StoredOrderBooks(), identities, festivals, aside, means.clock),
    }
