"""The only file that knows every implementation: it joins ports to those who fill them."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

import nightmarket
from nightmarket.catalog.contract import Catalog, Editor, MerchantChanged, Picture, ProductChanged, WholeGoods
from nightmarket.catalog.handlers import (
    FileExporter,
    FileImporter,
    PictureSources,
    StoredCatalog,
    StoredImportRuns,
    StoredStockBooks,
    StoredWholeGoods,
)
from nightmarket.catalog.handlers.applications import StoredApplications
from nightmarket.catalog.handlers.editing import StoredEditor
from nightmarket.catalog.handlers.shelf import StoredShelf
from nightmarket.catalog.jobs import import_job
from nightmarket.claims.handlers import ClaimDesk
from nightmarket.claims.handlers import Means as ClaimMeans
from nightmarket.discovery.contract import Search
from nightmarket.discovery.handlers import (
    StoredIndexer,
    StoredSearch,
    catalog_follower,
    sales_chore,
    sales_follower,
    stock_follower,
)
from nightmarket.engagement.contract.profiles import Profiles
from nightmarket.engagement.handlers import StoredEnquiries, StoredProfiles, StoredWishes
from nightmarket.gate.contract import RoomChanged
from nightmarket.gate.handlers import StoredGates, check_draw
from nightmarket.kernel.clock import Clock, SystemClock
from nightmarket.kernel.ids import Ids, SystemIds
from nightmarket.kernel.problems import Defect, Problem
from nightmarket.orders.contract import TRANSFER, DeliveryOptions, Order
from nightmarket.orders.handlers import Means, OrderDesk, StoredOrderBooks
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.orders.policies import delivery_table
from nightmarket.payments.contract import Journal, Payments, Provider
from nightmarket.payments.handlers import StoredJournal, StoredPayments, WebhookReceiver
from nightmarket.payments.jobs import PaymentsDrain, StatementAudit
from nightmarket.payments.providers import BankTransfers, TestCards, TestProvider, WebhookOptions, WebhookSender
from nightmarket.platform.access import Access, Identities, Links
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.aside import Aside, Chore
from nightmarket.platform.database import COMMITTERS, Database
from nightmarket.platform.facts import Fact, Facts, make_partitions
from nightmarket.platform.hints import Hints
from nightmarket.platform.jobs import Drain, Job, JobDesk
from nightmarket.platform.jobs import counts as job_counts
from nightmarket.platform.media import FolderStore, Library, Media, PictureRefused
from nightmarket.platform.messages import ChannelKind, LocalChannel, Outbox, Postman, figures
from nightmarket.platform.outside import Outside, OutsideOptions
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.platform.settings import Settings
from nightmarket.platform.subscriptions import Subscription, lag
from nightmarket.platform.tail import Tail
from nightmarket.platform.telemetry import Exchange, Metrics
from nightmarket.platform.webhooks import Sender, SigningKeys, Subscribers
from nightmarket.promotions.contract import Books, OfferPublished, OfferRetired
from nightmarket.promotions.handlers import StoredBooks, StoredOffers
from nightmarket.rehearsal.contract import Moment, Wishes
from nightmarket.rehearsal.faults import ShopProcesses, Target
from nightmarket.rehearsal.handlers.house import House
from nightmarket.rehearsal.handlers.rehearsing import Rehearsal
from nightmarket.rehearsal.handlers.runs_here import RunsHere
from nightmarket.rehearsal.handlers.stage import Stage
from nightmarket.rehearsal.handlers.witness import Witness
from nightmarket.rehearsal.verdict import Court, Judge
from nightmarket.stage.contract import Pages, PageSaved
from nightmarket.stage.handlers import StoredPages
from nightmarket.tally.contract import TallyEmptied
from nightmarket.tally.gone import Gone
from nightmarket.tally.handlers import SlicedTallies
from nightmarket.workflows.audit import Audit, Others
from nightmarket.workflows.coming_back import ComingBack, Launches, launches
from nightmarket.workflows.leaving import Leaving, forget_carts_job
from nightmarket.workflows.merchant_mail import merchant_mail
from nightmarket.workflows.order_mail import order_mail, order_mail_chore
from nightmarket.workflows.order_webhooks import Telling, order_sender, order_webhooks

PROVIDER = "testpay"
CURRENCY = "EUR"
"""What the shop shows where nobody asked for another currency."""

ORDER_LINK_LIFE = timedelta(days=30)
"""How long the link in an order's mails opens its page to whoever has the mail."""

DELIVERY = "delivery.json"
"""The operator's delivery rates, in the home; where there is none, the flat rates hold."""

EMOJI = Path("node_modules/@lobehub/fluent-emoji-3d/assets")
MAX_PICTURE_BYTES = 25_000_000
check_published_draw = check_draw
"""What anyone can do with the list of a waiting room's draw, without a shop."""

HOUSEKEEPING_SECONDS = 3_600.0
WAITING_SECONDS = 5.0
"""How often it is looked whether goods that people wait for are there again."""

UNHURRIED = 0.05
"""The share of its time that a drain works whose work may wait while the machine is busy."""

GAUGE_SECONDS = 2.0
STANDING_SECONDS = 2.0
RESTOCK_SECONDS = 5.0
CROWD_SECONDS = 0.2


class LibraryPictures:
    """Fills the catalogue's port `Pictures` with the media library."""

    max_bytes = MAX_PICTURE_BYTES

    def __init__(self, library: Library, database: Database) -> None:
        self._library = library
        self._database = database

    async def keep(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        found = await self._library.prepare(raw)
        good = [one for one in found if isinstance(one, Media)]
        if good:
            async with self._database.transaction() as tx:
                await self._library.record(tx, good)
        return [_picture(one) for one in found]

    async def look(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        return [_picture(one) for one in await self._library.examine(raw)]

    async def known(self, images: Sequence[str]) -> Mapping[str, Picture]:
        async with self._database.read() as connection:
            found = await self._library.find(connection, images)
        return {one.sha256: Picture(one.sha256, one.width, one.height, one.colour) for one in found.values()}


def _picture(one: Media | PictureRefused) -> Picture | Problem:
    if isinstance(one, PictureRefused):
        return one
    return Picture(image=one.sha256, width=one.width, height=one.height, colour=one.colour)


@dataclass(frozen=True, slots=True)
class Shop:
    """A whole shop in one process: every room, joined."""

    settings: Settings
    secret: bytes
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
    library: Library
    outbox: Outbox
    aside: Aside
    tallies: SlicedTallies
    catalog: Catalog
    stock_books: StoredStockBooks
    shelf: StoredShelf
    applications: StoredApplications
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
    journal: Journal
    payments: Payments
    provider: TestProvider
    providers: Mapping[str, Provider]
    webhooks: WebhookReceiver
    webhook_sender: WebhookSender
    cards: TestCards
    deliveries: DeliveryOptions
    orders: OrderDesk
    claims: ClaimDesk
    pages: Pages
    order_books: StoredOrderBooks
    audit: Audit
    search: Search
    indexer: StoredIndexer
    whole_goods: WholeGoods
    stage: Stage
    rehearsals: RunsHere
    gates: StoredGates
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process is told to stop, for what would otherwise stay open: streams to browsers."""
    on_change: list[Callable[[Sequence[UUID]], None]] = field(default_factory=list["Callable[[Sequence[UUID]], None]"])
    """Called with products and their variants that have changed, so that what pages remember of them goes."""


def front_end_folder(name: Path) -> Path | None:
    """A folder of the front-end libraries: beside the code, or where the command runs."""
    for root in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (root / name).is_dir():
            return root / name
    return None


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
        books=StoredBooks(database),
        tallies=tallies,
        journal=StoredJournal(),
        payments=StoredPayments(facts),
        providers={PROVIDER: provider, TRANSFER: BankTransfers(TRANSFER)},
        deliveries=delivery_table(settings.home / DELIVERY),
        facts=facts,
        clock=clock,
        ids=ids,
        secret=(settings.secret or "").encode(),
        rehearsed=frozenset({PROVIDER, TRANSFER}),
        faults=faults,
        zone=settings.zone,
    )


def _sources(settings: Settings, database: Database, library: Library, outside: Outside) -> PictureSources:
    """Where pictures of imported goods may come from."""
    return PictureSources(
        pictures=LibraryPictures(library, database),
        folder=None,
        emoji=front_end_folder(EMOJI),
        outside=outside,
        address=settings.address,
    )


def join(settings: Settings, database: Database, clock: Clock, ids: Ids, faults: Faults = NO_FAULTS) -> Shop:
    """All rooms around one database."""
    secret = (settings.secret or "").encode()
    facts = Facts(ids)
    tallies = SlicedTallies(facts, ids, worker=os.getpid())
    library = Library(FolderStore(settings.home / "media"), clock)
    outside = Outside()
    strangers = Outside(OutsideOptions(allow_loopback=settings.loopback_agents, https_only=True, max_seconds=5))
    agents = Agents(strangers, clock)
    webhook_options = WebhookOptions(secret=secret)
    provider = TestProvider(settings.home / "testpay.sqlite3", clock, name=PROVIDER, webhooks=webhook_options)
    identities = Identities(database, clock, ids, secret, secure=settings.address.startswith("https://"))
    means = replace(_means(settings, database, clock, ids, (facts, tallies, provider), faults), buyers=identities)
    hints, gone = Hints(database), Gone(database, tallies)
    hints.hear.append(gone.look)
    means = replace(means, tell=hints.tell, gone=gone)
    orders = OrderDesk(means)
    shelf = StoredShelf(tallies)
    gates = StoredGates(database, facts, clock, ids, secret)
    claims = ClaimDesk(ClaimMeans(database, tallies, shelf, facts, clock, secret))
    access = Access(database, clock, ids, secret_key=secret)
    profiles, wishes, enquiries = StoredProfiles(facts, clock, ids), StoredWishes(), StoredEnquiries(facts)
    return Shop(
        settings=settings,
        secret=secret,
        clock=clock,
        ids=ids,
        database=database,
        facts=facts,
        access=access,
        order_links=Links(secret, "order", ORDER_LINK_LIFE, clock),
        identities=identities,
        hints=hints,
        gone=gone,
        profiles=profiles,
        wishes=wishes,
        enquiries=enquiries,
        leaving=Leaving(database, access.shoppers, profiles, wishes, enquiries, JobDesk(clock)),
        library=library,
        outbox=Outbox(clock, ids),
        aside=Aside(database, clock, ids),
        tallies=tallies,
        catalog=means.catalog,
        stock_books=StoredStockBooks(),
        shelf=shelf,
        applications=StoredApplications(),
        editor=StoredEditor(facts, tallies, LibraryPictures(library, database), clock),
        importer=FileImporter(database, tallies, facts, _sources(settings, database, library, outside), clock),
        exporter=FileExporter(database, tallies, settings.address),
        import_runs=StoredImportRuns(database, clock, settings.home / "imports"),
        outside=outside,
        strangers=strangers,
        agents=agents,
        subscribers=Subscribers(database, clock, agents, strangers),
        signing=SigningKeys(database, clock, secret),
        books=means.books,
        offers=StoredOffers(facts, tallies),
        journal=means.journal,
        payments=means.payments,
        provider=provider,
        providers=means.providers,
        webhooks=WebhookReceiver(PROVIDER, [secret], clock, facts),
        webhook_sender=WebhookSender(provider, webhook_options, clock),
        cards=TestCards(),
        deliveries=means.deliveries,
        orders=orders,
        claims=claims,
        pages=StoredPages(database, facts),
        order_books=StoredOrderBooks(),
        audit=Audit(
            *(database, tallies, orders, means.journal, means.payments),
            Others(StatementAudit(database, [provider]), claims, gates),
        ),
        search=StoredSearch(database, means.books, clock),
        indexer=StoredIndexer(database, means.catalog, StoredWholeGoods(), tallies, clock),
        whole_goods=StoredWholeGoods(),
        stage=Stage(settings, means.catalog, tallies, clock, ids),
        rehearsals=RunsHere(settings, clock, ids),
        gates=gates,
    )


@asynccontextmanager
async def open_shop(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    faults: Faults = NO_FAULTS,
    application: str = "nightmarket",
    committers: int = COMMITTERS,
) -> AsyncGenerator[Shop]:
    """A shop around `settings.database_url`; its caches follow the facts until the block ends."""
    if settings.database_url is None or settings.secret is None:
        raise Defect("a shop opens with a database and a secret")
    clock = clock or SystemClock()
    database = await Database.open(settings.database_url, committers=committers, application=application)
    shop = join(settings, database, clock, ids or SystemIds(clock), faults)
    kinds = [ProductChanged.kind, MerchantChanged.kind, OfferPublished.kind, OfferRetired.kind]
    kinds.extend((PageSaved.kind, RoomChanged.kind, TallyEmptied.kind))
    tail = Tail(database, kinds, lambda news: _hear(shop, news))
    async with database.transaction() as tx:
        await make_partitions(tx, clock.now())
    await tail.start()
    await shop.signing.ensure()
    await shop.books.refresh()
    await shop.pages.refresh()
    await shop.gates.refresh()
    await shop.gone.start()
    looking = [asyncio.create_task(run, name="gone") for run in (shop.hints.run(), shop.gone.run())]
    following = asyncio.create_task(tail.run(), name="caches-follow-facts")
    gating = asyncio.create_task(shop.gates.run(), name="gates")
    try:
        yield shop
    finally:
        following.cancel()
        gating.cancel()
        for task in looking:
            task.cancel()
        await asyncio.gather(following, gating, *looking, return_exceptions=True)
        await shop.gates.close()
        await shop.orders.close()
        await shop.outside.close()
        await shop.strangers.close()
        await shop.provider.close()
        await database.close()


async def _hear(shop: Shop, facts: Sequence[Fact]) -> None:
    """Caches forget what has changed."""
    changed: list[UUID] = []
    products: list[UUID] = []
    for fact in facts:
        if fact.kind == ProductChanged.kind:
            changed.extend(variant for product in fact.read(ProductChanged) for variant in product.variants)
            products.extend(product.product for product in fact.read(ProductChanged))
        elif fact.kind == MerchantChanged.kind:
            shop.catalog.forget_merchants(one.merchant for one in fact.read(MerchantChanged))
    if changed:
        shop.catalog.forget(changed)
    if products:
        for forget in shop.on_change:
            forget([*products, *changed])
    if any(fact.kind in (OfferPublished.kind, OfferRetired.kind) for fact in facts):
        await shop.books.refresh()
    shop.hints.heard([one.tally for fact in facts if fact.kind == TallyEmptied.kind for one in fact.read(TallyEmptied)])
    if any(fact.kind == PageSaved.kind for fact in facts):
        await shop.pages.refresh()
    if any(fact.kind == RoomChanged.kind for fact in facts):
        await shop.gates.refresh()


@asynccontextmanager
async def published(shop: Shop, slot: str) -> AsyncGenerator[Exchange]:
    """The figures of this process, told to all processes of the machine while the block runs."""
    metrics = Metrics()
    for lane in (*shop.orders.lanes, *shop.claims.lanes, *shop.gates.lanes):
        metrics.watch_lane(lane)
    exchange = Exchange(shop.settings.home / "metrics", slot, metrics, shop.clock)
    publishing = asyncio.create_task(exchange.keep_publishing(), name="figures")
    try:
        yield exchange
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        exchange.withdraw()


def consumers(shop: Shop) -> list[Subscription]:
    """Who hears facts and keeps a place."""
    return [
        shop.orders.reported.subscription,
        order_mail(shop.aside),
        order_webhooks(shop.orders, shop.clock),
        merchant_mail(shop.shelf, shop.applications, shop.outbox, shop.settings.address),
        catalog_follower(shop.indexer, shop.clock),
        sales_follower(shop.aside),
        stock_follower(),
        launches(shop.wishes, shop.catalog, shop.clock),
    ]


def chores(shop: Shop) -> list[Chore]:
    """What consumers set aside, and who does it."""
    return [order_mail_chore(shop.orders, shop.outbox, shop.settings.address, shop.order_links), sales_chore()]


def jobs(shop: Shop) -> list[Job]:
    """Work over sets that the worker can be asked for."""
    return [import_job(shop.importer), forget_carts_job(shop.orders)]


def drains(shop: Shop, metrics: Metrics) -> list[Drain]:
    """What the worker does by itself, again and again."""
    local = LocalChannel(shop.database, shop.clock)
    postman = Postman(shop.database, shop.clock, dict.fromkeys(ChannelKind, local))
    payments = PaymentsDrain(shop.database, shop.providers, shop.clock, shop.facts)

    async def receive(body: bytes, signature: str) -> None:
        async with shop.database.transaction() as tx:
            await shop.webhooks.receive_webhook(tx, body, signature)

    async def partitions() -> int:
        async with shop.database.transaction() as tx:
            await make_partitions(tx, shop.clock.now())
        return 0

    async def gauges() -> int:
        await measure(shop, metrics)
        return 0

    back = ComingBack(shop.database, shop.wishes, shop.catalog, shop.tallies, shop.outbox)
    news = Launches(shop.database, shop.wishes, shop.catalog, shop.outbox)
    address = shop.settings.address
    witness = Witness(shop.stage.folder, shop.database, shop.tallies, shop.orders, shop.audit, shop.clock)
    watching = [Drain("crowd", witness.step, idle_seconds=CROWD_SECONDS)] if shop.stage.is_open else []
    standing = Drain(
        "search-standing", shop.indexer.stand, idle_seconds=STANDING_SECONDS, share=UNHURRIED, tally=metrics
    )
    shop.hints.hear.extend((shop.indexer.hurry, lambda _: standing.wake()))
    return [
        *watching,
        Drain("orders", shop.orders.due.step, tally=metrics),
        Drain("outside-claims", shop.claims.due.step, tally=metrics),
        Drain("payments", payments.step, share=UNHURRIED, tally=metrics),
        Drain("webhooks", lambda: shop.webhook_sender.deliver(receive), share=UNHURRIED, tally=metrics),
        Drain("messages", postman.step, share=UNHURRIED, tally=metrics),
        *(
            Drain(f"aside-{one.topic}", partial(shop.aside.step, one), share=UNHURRIED, tally=metrics)
            for one in chores(shop)
        ),
        Drain("coming-back", lambda: back.step(shop.clock, address), idle_seconds=WAITING_SECONDS, tally=metrics),
        Drain("launches", lambda: news.step(shop.clock, address), idle_seconds=WAITING_SECONDS, tally=metrics),
        Drain("old-messages", postman.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("ended-sessions", shop.access.accounts.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("search-index", shop.indexer.step, tally=metrics),
        standing,
        Drain("search-restock", shop.indexer.restock, idle_seconds=RESTOCK_SECONDS, tally=metrics),
        Drain("search-sales", shop.indexer.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-requests", shop.claims.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-imports", shop.import_runs.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("partitions", partitions, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("gauges", gauges, idle_seconds=GAUGE_SECONDS),
    ]


def faults_target(shop: Shop, seed: int) -> Target:
    """This shop as something that faults may strike while it is rehearsed. Raises FaultRefused."""
    return Target(ShopProcesses(shop.settings), shop.provider, shop.clock, seed)


async def furthest_behind(shop: Shop) -> float:
    """The furthest that a consumer of facts is behind, in seconds."""
    async with shop.database.read() as connection:
        return max([(await lag(connection, one, shop.clock)).seconds for one in consumers(shop)], default=0.0)


def judge(shop: Shop) -> Judge:
    """Who judges a rehearsal of this shop."""
    court = Court(
        database=shop.database,
        catalog=shop.catalog,
        orders=shop.orders,
        tallies=shop.tallies,
        provider=shop.provider,
        audit=shop.audit,
        lag=lambda: furthest_behind(shop),
        clock=shop.clock,
        version=nightmarket.__version__,
    )
    return Judge(court)


def rehearsed(shop: Shop) -> House:
    """This shop as a rehearsal needs it."""
    return House(
        settings=shop.settings,
        database=shop.database,
        catalog=shop.catalog,
        stock=shop.stock_books,
        tallies=shop.tallies,
        orders=shop.orders,
        books=shop.order_books,
        keys=shop.access.keys,
        facts=shop.facts,
        clock=shop.clock,
        ids=shop.ids,
        audit=shop.audit,
        judge=judge(shop),
        handlers=frozenset(shop.providers),
        lag=lambda: furthest_behind(shop),
        target=lambda seed: faults_target(shop, seed),
        note_capacity=lambda rate: shop.gates.note_capacity(rate, "rehearsal", shop.clock.now()),
    )


def webhook_sender(shop: Shop, write: Callable[[Order], Awaitable[bytes]]) -> Sender:
    """Sends what is due of orders, in the words of whoever knows the order API."""
    told = Telling(shop.orders, write)
    return order_sender(shop.database, shop.clock, shop.signing, shop.agents, told, shop.settings)


def rehearsal(
    wishes: Wishes,
    home: Path,
    run: UUID,
    settings: Settings,
    told: tuple[Callable[[Moment], None], Callable[[str], None]],
) -> Rehearsal:
    """A rehearsal of the shop of these settings, written down under `home`. The shop is opened when it is needed, since
    its database may be killed meanwhile and come back elsewhere."""

    @asynccontextmanager
    async def opening() -> AsyncGenerator[House]:
        server = EmbeddedPostgres(settings.home, ServerOptions(account=settings.database_account))
        opened = msgspec.structs.replace(settings, database_url=settings.database_url or server.url)
        async with open_shop(opened, application="rehearsal") as shop:
            yield rehearsed(shop)

    return Rehearsal(wishes, home, run, opening, *told)


async def measure(shop: Shop, metrics: Metrics) -> None:
    """Take the figures that no single process sees."""
    async with shop.database.read() as connection:
        for consumer in consumers(shop):
            behind = await lag(connection, consumer, shop.clock)
            metrics.subscription(consumer.name, behind.seconds, behind.failure is not None)
        queue = await figures(connection, shop.clock.now())
        metrics.jobs(await job_counts(connection))
    overdue = max(0.0, (shop.clock.now() - queue.due_since).total_seconds()) if queue.due_since else 0.0
    metrics.messages(queue.queued, queue.failed, overdue)
