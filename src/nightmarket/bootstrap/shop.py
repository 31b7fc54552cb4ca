"""The whole shop in one process: every room, joined."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from nightmarket.catalog.contract import Catalog, Editor, WholeGoods
from nightmarket.catalog.handlers import (
    FileExporter,
    FileImporter,
    StoredImportRuns,
    StoredStockBooks,
    StoredWholeGoods,
)
from nightmarket.catalog.handlers.applications import StoredApplications
from nightmarket.catalog.handlers.costs import StoredCosts
from nightmarket.catalog.handlers.shelf import StoredShelf
from nightmarket.claims.handlers import ClaimDesk
from nightmarket.discovery.contract import Search
from nightmarket.discovery.handlers import StoredIndexer
from nightmarket.engagement.contract.profiles import Profiles
from nightmarket.engagement.handlers import StoredEnquiries, StoredWishes
from nightmarket.engagement.handlers.reminders import StoredReminders
from nightmarket.engagement.handlers.segments import StoredSegments
from nightmarket.gate.handlers import StoredGates
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.orders.contract import DeliveryOptions, KnownTogether
from nightmarket.orders.handlers import OrderDesk, StoredOrderBooks
from nightmarket.payments.contract import Journal, Payments, Provider
from nightmarket.payments.handlers import WebhookReceiver
from nightmarket.payments.handlers.wallets import StoredWallets
from nightmarket.payments.providers import TestCards, TestProvider, WebhookSender
from nightmarket.platform.access import Access, Identities, Links
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.aside import Aside
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.hints import Hints
from nightmarket.platform.media import Library
from nightmarket.platform.messages import Outbox
from nightmarket.platform.outside import Outside
from nightmarket.platform.settings import Settings
from nightmarket.platform.webhooks import SigningKeys, Subscribers
from nightmarket.platform.webpush import PushKeys
from nightmarket.promotions.contract import Books
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.booklets import StoredBooklets
from nightmarket.promotions.handlers.campaigns import StoredCampaigns
from nightmarket.promotions.handlers.collaborations import StoredCollaborations
from nightmarket.promotions.handlers.coupons import StoredCoupons
from nightmarket.promotions.handlers.draws import StoredDraws
from nightmarket.promotions.handlers.festivals import StoredFestivals
from nightmarket.promotions.handlers.groups import StoredGroups
from nightmarket.promotions.handlers.guards import StoredGuard
from nightmarket.promotions.handlers.places import StoredPlaces
from nightmarket.promotions.handlers.presales import StoredPresales
from nightmarket.promotions.handlers.samples import StoredSamples
from nightmarket.promotions.handlers.standings import StoredStandings
from nightmarket.promotions.handlers.surprises import StoredSurprises
from nightmarket.promotions.handlers.switches import StoredSwitches
from nightmarket.rehearsal.handlers.runs_here import RunsHere
from nightmarket.rehearsal.handlers.stage import Stage
from nightmarket.stage.contract import Pages
from nightmarket.tally.gone import Gone
from nightmarket.tally.handlers import SlicedTallies
from nightmarket.workflows.audit import Audit
from nightmarket.workflows.cashback import Cashback
from nightmarket.workflows.group_purchase import GroupPurchases
from nightmarket.workflows.leaving import Leaving
from nightmarket.workflows.partners import Partners
from nightmarket.workflows.presale import PresaleDesk
from nightmarket.workflows.who_shoppers_are import Shoppers

PROVIDER = "testpay"
WALLET = "wallet"
"""The handler of orders that wallet money pays whole."""

CURRENCY = "EUR"
"""What the shop shows where nobody asked for another currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A whole shop in one process: every room, joined."""

    settings: Settings
    clock: Clock
    ids: Ids
    database: Database
    facts: Facts
    access: Access
    order_links: Links
    identities: Identities
    hints: Hints
    gone: Gone
    profiles: Profiles
    wishes: StoredWishes
    enquiries: StoredEnquiries
    leaving: Leaving
    reminders: StoredReminders
    segments: StoredSegments
    shoppers: Shoppers
    reminder_links: Links
    push_keys: PushKeys
    push_outside: Outside
    """The way out to push services that browsers name."""
    library: Library
    outbox: Outbox
    aside: Aside
    tallies: SlicedTallies
    catalog: Catalog
    stock_books: StoredStockBooks = field(default_factory=StoredStockBooks)
    shelf: StoredShelf
    applications: StoredApplications = field(default_factory=StoredApplications)
    editor: Editor
    importer: FileImporter
    exporter: FileExporter
    import_runs: StoredImportRuns
    outside: Outside
    strangers: Outside
    """As `outside`, with TLS only: for addresses that agents and API clients name."""
    agents: Agents
    subscribers: Subscribers
    signing: SigningKeys
    books: Books
    offers: StoredOffers
    standings: StoredStandings = field(default_factory=StoredStandings)
    draws: StoredDraws
    coupons: StoredCoupons
    booklets: StoredBooklets
    surprises: StoredSurprises
    groups: StoredGroups
    collaborations: StoredCollaborations
    partners: Partners
    group_purchases: GroupPurchases
    places: StoredPlaces
    samples: StoredSamples
    presales: StoredPresales
    presale_desk: PresaleDesk
    wallets: StoredWallets
    cashback: Cashback
    festivals: StoredFestivals
    guard: StoredGuard
    costs: StoredCosts = field(default_factory=StoredCosts)
    switches: StoredSwitches
    campaigns: StoredCampaigns
    journal: Journal
    payments: Payments
    provider: TestProvider
    providers: Mapping[str, Provider]
    webhooks: WebhookReceiver
    webhook_sender: WebhookSender
    cards: TestCards = field(default_factory=TestCards)
    deliveries: DeliveryOptions
    orders: OrderDesk
    known: KnownTogether
    """Who tells prices what is known of shoppers: each mechanic adds its source in bootstrap."""
    claims: ClaimDesk
    pages: Pages
    order_books: StoredOrderBooks = field(default_factory=StoredOrderBooks)
    audit: Audit
    search: Search
    indexer: StoredIndexer
    whole_goods: WholeGoods = field(default_factory=StoredWholeGoods)
    stage: Stage
    rehearsals: RunsHere
    gates: StoredGates
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process is told to stop, for what would otherwise stay open: streams to browsers."""
    on_change: list[Callable[[Sequence[UUID]], None]] = field(default_factory=list["Callable[[Sequence[UUID]], None]"])
    """Called with products and their variants that have changed, so that what pages remember of them goes."""

    @property
    def secret(self) -> bytes:
        """What signs and seals here."""
        return (self.settings.secret or "").encode()
