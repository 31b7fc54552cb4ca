"""All rooms around one database."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nightmarket.catalog.handlers import (
    FileExporter,
    FileImporter,
    StoredCatalog,
    StoredImportRuns,
    StoredWholeGoods,
)
from nightmarket.catalog.handlers.costs import StoredCosts
from nightmarket.catalog.handlers.editing import StoredEditor
from nightmarket.catalog.handlers.prices import StoredPriceHistory
from nightmarket.catalog.handlers.shelf import StoredShelf
from nightmarket.claims.handlers import ClaimDesk
from nightmarket.claims.handlers import Means as ClaimMeans
from nightmarket.discovery.handlers import (
    StoredIndexer,
    StoredSearch,
)
from nightmarket.engagement.handlers import StoredEnquiries, StoredProfiles, StoredWishes
from nightmarket.engagement.handlers.reminders import StoredReminders
from nightmarket.gate.handlers import StoredGates
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.orders.contract import TRANSFER, KnownTogether
from nightmarket.orders.handlers import Means, OrderDesk
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.orders.policies import delivery_table
from nightmarket.payments.handlers import StoredJournal, StoredPayments, WebhookReceiver
from nightmarket.payments.jobs import StatementAudit
from nightmarket.payments.providers import BankTransfers, TestProvider, WalletAlone, WebhookOptions, WebhookSender
from nightmarket.platform.access import Access, Identities, Links
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.aside import Aside
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.hints import Hints
from nightmarket.platform.jobs import JobDesk
from nightmarket.platform.media import FolderStore, Library
from nightmarket.platform.messages import Outbox
from nightmarket.platform.outside import Outside, OutsideOptions
from nightmarket.platform.settings import Settings
from nightmarket.platform.webhooks import SigningKeys, Subscribers
from nightmarket.platform.webpush import open_keys
from nightmarket.promotions.handlers import StoredBooks, StoredOffers
from nightmarket.promotions.handlers.campaigns import Means as Enrolling
from nightmarket.promotions.handlers.campaigns import StoredCampaigns
from nightmarket.promotions.handlers.draw_steps import DrawMeans
from nightmarket.promotions.handlers.draws import StoredDraws
from nightmarket.promotions.handlers.festivals import StoredFestivals
from nightmarket.promotions.handlers.guards import StoredGuard
from nightmarket.promotions.handlers.samples import StoredSamples
from nightmarket.promotions.handlers.surprises import StoredSurprises
from nightmarket.promotions.handlers.switches import Market, StoredSwitches
from nightmarket.rehearsal.handlers.runs_here import RunsHere
from nightmarket.rehearsal.handlers.stage import Stage
from nightmarket.stage.handlers import StoredPages
from nightmarket.tally.gone import Gone
from nightmarket.tally.handlers import SlicedTallies
from nightmarket.workflows.audit import Audit, Others, Together
from nightmarket.workflows.leaving import KeepsPersons, Leaving

from .collaborating import collaborating
from .collecting import collecting
from .gathering import gathering
from .knowing import knowing
from .pictures import LibraryPictures, sources
from .preselling import preselling
from .purses import purses
from .shop import PROVIDER, WALLET, Shop
from .visiting import visiting

ORDER_LINK_LIFE = timedelta(days=30)
"""How long the link in an order's mails opens its page to whoever has the mail."""

REMINDER_LINK_LIFE = timedelta(days=180)
"""How long the link in a reminder stops all further ones."""

DELIVERY = "delivery.json"
"""The operator's delivery rates, in the home; where there is none, the flat rates hold."""


def _means(
    settings: Settings,
    database: Database,
    clock: Clock,
    ids: Ids,
    joined: tuple[Facts, SlicedTallies, TestProvider],
    faults: Faults,
) -> Means:
    """What the order desk works with."""
    facts, tallies, provider = joined
    return Means(
        database=database,
        catalog=StoredCatalog(database),
        books=StoredBooks(database, settings.home / "books"),
        tallies=tallies,
        journal=StoredJournal(),
        payments=StoredPayments(facts),
        providers={PROVIDER: provider, TRANSFER: BankTransfers(TRANSFER), WALLET: WalletAlone(WALLET)},
        deliveries=delivery_table(settings.home / DELIVERY),
        facts=facts,
        clock=clock,
        ids=ids,
        secret=(settings.secret or "").encode(),
        rehearsed=frozenset({PROVIDER, TRANSFER}),
        faults=faults,
        zone=settings.zone,
    )


def _scarcity(database: Database, tallies: SlicedTallies) -> tuple[Hints, Gone]:
    """What has just gone is told between processes, and remembered in each."""
    hints, gone = Hints(database), Gone(database, tallies)
    hints.hear.append(gone.look)
    return hints, gone


def _outside(settings: Settings) -> tuple[Outside, Outside]:
    """The way out for what people name, and the stricter one for what strangers name."""
    options = OutsideOptions(allow_loopback=settings.loopback_agents, https_only=True, max_seconds=5)
    return Outside(), Outside(options)


def _push_options(settings: Settings) -> OutsideOptions:
    """Push services have TLS; only a demo on this machine, and tests, have one beside the shop."""
    beside = settings.loopback_agents or (settings.demo and settings.is_loopback)
    return OutsideOptions(allow_loopback=beside, https_only=True, max_seconds=10, agent="Nightmarket-Push/1.0")


def _drawing(
    settings: Settings, database: Database, clock: Clock, ids: Ids, joined: tuple[Facts, SlicedTallies, StoredOffers]
) -> DrawMeans:
    """What draws and surprise prices work with."""
    facts, tallies, offers = joined
    return DrawMeans(
        database=database,
        facts=facts,
        tallies=tallies,
        offers=offers,
        outbox=Outbox(clock, ids),
        clock=clock,
        secret=(settings.secret or "").encode(),
        address=settings.address,
    )


def _means_shown(means: Means) -> dict[str, Any]:
    """What the order desk works with and pages ask for, too."""
    names = ("books", "catalog", "deliveries", "journal", "payments", "providers")
    return {name: getattr(means, name) for name in names}


def _alone(settings: Settings, means: Means, tallies: SlicedTallies) -> dict[str, Any]:
    """Rooms that nothing else here is built on."""
    database, clock, ids = means.database, means.clock, means.ids
    return {
        "aside": Aside(database, clock, ids),
        "import_runs": StoredImportRuns(database, clock, settings.home / "imports"),
        "pages": StoredPages(database, means.facts),
        "rehearsals": RunsHere(settings, clock, ids),
        "search": StoredSearch(database, means.books, clock),
        "signing": SigningKeys(database, clock, means.secret),
        "stage": Stage(settings, means.catalog, tallies, clock, ids),
    }


def _festival(
    settings: Settings, means: Means, tallies: SlicedTallies, offers: StoredOffers, market: Market
) -> dict[str, Any]:
    """The festival, its switches and campaigns, and the ways to those who want to hear of it."""
    database, facts = means.database, means.facts
    enrolling = Enrolling(database, means.catalog, StoredPriceHistory(), tallies, offers, facts, means.ids, means.clock)
    return {
        "campaigns": StoredCampaigns(enrolling),
        "festivals": StoredFestivals(database, facts),
        "guard": StoredGuard(facts, offers),
        "push_keys": open_keys(settings.home),
        "push_outside": Outside(_push_options(settings)),
        "reminder_links": Links(means.secret, "reminders", REMINDER_LINK_LIFE, means.clock),
        "switches": StoredSwitches(database, facts, means.books, offers, market),
    }


def _goods(
    settings: Settings, database: Database, clock: Clock, facts: Facts, tallies: SlicedTallies, outside: Outside
) -> dict[str, Any]:
    """Where goods are looked after, brought in and handed out."""
    library = Library(FolderStore(settings.home / "media"), clock)
    return {
        "library": library,
        "shelf": StoredShelf(tallies),
        "editor": StoredEditor(facts, tallies, LibraryPictures(library, database), clock),
        "importer": FileImporter(database, tallies, facts, sources(settings, database, library, outside), clock),
        "exporter": FileExporter(database, tallies, settings.address),
    }


def _people(
    means: Means, identities: Identities, samples: StoredSamples, keepers: Sequence[KeepsPersons]
) -> dict[str, Any]:
    """Who comes, what they said of themselves, and how they leave."""
    database, facts, clock, ids = means.database, means.facts, means.clock, means.ids
    access = Access(database, clock, ids, secret_key=means.secret)
    reminders = StoredReminders()
    profiles, wishes, enquiries = StoredProfiles(facts, clock, ids), StoredWishes(), StoredEnquiries(facts)
    asked = (enquiries, reminders, samples)
    return {
        "access": access,
        "identities": identities,
        "profiles": profiles,
        "wishes": wishes,
        "enquiries": enquiries,
        "reminders": reminders,
        "leaving": Leaving(database, access.shoppers, (profiles, wishes), asked, (identities, keepers), JobDesk(clock)),
    }


def _others(statements: StatementAudit, claims: ClaimDesk, gates: StoredGates, mechanics: Mapping[str, Any]) -> Others:
    return Others(
        statements=statements,
        claims=claims,
        gates=gates,
        draws=mechanics["draws"],
        surprises=mechanics["surprises"],
        coupons=Together(mechanics["coupons"], mechanics["booklets"]),
        samples=mechanics["samples"],
        groups=mechanics["groups"],
        collaborations=mechanics["collaborations"],
        presales=mechanics["presale_desk"],
        wallets=mechanics["wallets"],
    )


def join(settings: Settings, database: Database, clock: Clock, ids: Ids, faults: Faults = NO_FAULTS) -> Shop:
    """All rooms around one database."""
    secret = (settings.secret or "").encode()
    facts = Facts(ids)
    tallies = SlicedTallies(facts, ids, worker=os.getpid())
    outside, strangers = _outside(settings)
    goods = _goods(settings, database, clock, facts, tallies, outside)
    agents = Agents(strangers, clock)
    options = WebhookOptions(secret=secret)
    provider = TestProvider(settings.home / "testpay.sqlite3", clock, name=PROVIDER, webhooks=options)
    identities = Identities(database, clock, ids, secret, secure=settings.address.startswith("https://"))
    hints, gone = _scarcity(database, tallies)
    means = _means(settings, database, clock, ids, (facts, tallies, provider), faults)
    known = KnownTogether()
    means = replace(means, buyers=identities, tell=hints.tell, gone=gone, knowing=known)
    orders = OrderDesk(means)
    gates = StoredGates(database, facts, clock, ids, secret)
    claims = ClaimDesk(ClaimMeans(database, tallies, goods["shelf"], facts, clock, secret))
    statements = StatementAudit(database, [provider])
    offers = StoredOffers(facts, tallies, means.catalog, StoredCosts())
    drawing = _drawing(settings, database, clock, ids, (facts, tallies, offers))
    draws, surprises = StoredDraws(drawing), StoredSurprises(drawing)
    collected = collecting(means, tallies, offers, identities, known)
    visits = visiting(drawing, means.books, ids, known)
    presold = preselling(means, (tallies, orders), drawing.outbox, settings.address, known)
    gathered = gathering(drawing, orders, means.payments)
    mechanics = {"draws": draws, "surprises": surprises, **collected, **visits, **gathered, **presold}
    mechanics |= collaborating(means, offers)
    festive = _festival(settings, means, tallies, offers, Market(goods["editor"], goods["shelf"].merchant))
    purse = purses(means, tallies, drawing.outbox, settings.address, (festive["festivals"], identities))
    mechanics |= purse
    others = _others(statements, claims, gates, mechanics)
    told = knowing(means, identities, festive["festivals"], surprises, known)
    keepers = (collected["coupons"], draws, surprises, told["segments"], purse["wallets"])
    return Shop(
        **_means_shown(means),
        **_alone(settings, means, tallies),
        **mechanics,
        **goods,
        **_people(means, identities, visits["samples"], keepers),
        **festive,
        **told,
        settings=settings,
        clock=clock,
        ids=ids,
        database=database,
        facts=facts,
        order_links=Links(secret, "order", ORDER_LINK_LIFE, clock),
        hints=hints,
        gone=gone,
        outbox=drawing.outbox,
        tallies=tallies,
        outside=outside,
        strangers=strangers,
        agents=agents,
        subscribers=Subscribers(database, clock, agents, strangers),
        offers=offers,
        provider=provider,
        webhooks=WebhookReceiver(PROVIDER, [secret], clock, facts),
        webhook_sender=WebhookSender(provider, options, clock),
        orders=orders,
        known=known,
        claims=claims,
        audit=Audit(database, tallies, orders, means.journal, means.payments, others),
        indexer=StoredIndexer(database, means.catalog, StoredWholeGoods(), tallies, clock),
        gates=gates,
    )
