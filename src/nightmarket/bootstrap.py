"""The only file that knows every implementation: it joins ports to those who fill them."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from nightmarket.catalog.contract import Picture, ProductChanged
from nightmarket.catalog.handlers import FileImporter, StoredCatalog, StoredStockBooks
from nightmarket.kernel.clock import Clock, SystemClock
from nightmarket.kernel.ids import Ids, SystemIds
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import TRANSFER
from nightmarket.orders.handlers import Means, OrderDesk
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.orders.policies import FlatRates
from nightmarket.payments.contract import Provider
from nightmarket.payments.handlers import StoredJournal, StoredPayments, WebhookReceiver
from nightmarket.payments.providers import NullProvider, TestCards, TestProvider, WebhookOptions
from nightmarket.platform.access import Access
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Fact, Facts
from nightmarket.platform.media import FolderStore, Library, Media, PictureRefused
from nightmarket.platform.messages import Outbox
from nightmarket.platform.settings import Settings
from nightmarket.platform.tail import Tail
from nightmarket.promotions.contract import OfferPublished, OfferRetired
from nightmarket.promotions.handlers import StoredBooks, StoredOffers
from nightmarket.tally.handlers import SlicedTallies

PROVIDER = "testpay"
CURRENCY = "EUR"
"""What the shop shows where nobody asked for another currency."""

EMOJI = Path("node_modules/@lobehub/fluent-emoji-3d/assets")
MAX_PICTURE_BYTES = 25_000_000


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
        return [_picture(one) for one in await self._library.prepare(raw)]


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
    library: Library
    outbox: Outbox
    tallies: SlicedTallies
    catalog: StoredCatalog
    stock_books: StoredStockBooks
    importer: FileImporter
    books: StoredBooks
    offers: StoredOffers
    journal: StoredJournal
    payments: StoredPayments
    provider: TestProvider
    providers: Mapping[str, Provider]
    webhook_options: WebhookOptions
    webhooks: WebhookReceiver
    cards: TestCards
    deliveries: FlatRates
    orders: OrderDesk


def front_end_folder(name: Path) -> Path | None:
    """A folder of the front-end libraries: beside the code, or where the command runs."""
    for root in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (root / name).is_dir():
            return root / name
    return None


@asynccontextmanager
async def open_shop(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    faults: Faults = NO_FAULTS,
    application: str = "nightmarket",
) -> AsyncGenerator[Shop]:
    """Join everything around `settings.database_url`; caches follow the facts until the block ends."""
    assert settings.database_url is not None
    assert settings.secret is not None
    clock = clock or SystemClock()
    ids = ids or SystemIds(clock)
    secret = settings.secret.encode()
    database = await Database.open(settings.database_url, application=application)
    facts = Facts(ids)
    tallies = SlicedTallies(facts, ids, worker=os.getpid())
    library = Library(FolderStore(settings.home / "media"), clock)
    catalog = StoredCatalog(database)
    books = StoredBooks(database)
    payments = StoredPayments(facts)
    journal = StoredJournal()
    webhook_options = WebhookOptions(secret=secret)
    provider = TestProvider(settings.home / "testpay.sqlite3", clock, name=PROVIDER, webhooks=webhook_options)
    providers: dict[str, Provider] = {PROVIDER: provider, TRANSFER: NullProvider(TRANSFER, clock)}
    deliveries = FlatRates()
    orders = OrderDesk(
        Means(
            database=database,
            catalog=catalog,
            books=books,
            tallies=tallies,
            journal=journal,
            payments=payments,
            providers=providers,
            deliveries=deliveries,
            facts=facts,
            clock=clock,
            ids=ids,
            secret=secret,
            faults=faults,
        )
    )
    shop = Shop(
        settings=settings,
        secret=secret,
        clock=clock,
        ids=ids,
        database=database,
        facts=facts,
        access=Access(database, clock, ids, secret_key=secret),
        library=library,
        outbox=Outbox(clock, ids),
        tallies=tallies,
        catalog=catalog,
        stock_books=StoredStockBooks(),
        importer=FileImporter(
            database, tallies, facts, LibraryPictures(library, database), clock, emoji=front_end_folder(EMOJI)
        ),
        books=books,
        offers=StoredOffers(facts, tallies),
        journal=journal,
        payments=payments,
        provider=provider,
        providers=providers,
        webhook_options=webhook_options,
        webhooks=WebhookReceiver(PROVIDER, [secret], clock, facts),
        cards=TestCards(),
        deliveries=deliveries,
        orders=orders,
    )
    tail = Tail(database, [ProductChanged.kind, OfferPublished.kind, OfferRetired.kind], lambda news: _hear(shop, news))
    await tail.start()
    await books.refresh()
    following = asyncio.create_task(tail.run(), name="caches-follow-facts")
    try:
        yield shop
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await orders.close()
        await provider.close()
        await database.close()


async def _hear(shop: Shop, facts: Sequence[Fact]) -> None:
    """Caches forget what has changed."""
    changed: list[UUID] = []
    for fact in facts:
        if fact.kind == ProductChanged.kind:
            changed.extend(variant for product in fact.read(ProductChanged) for variant in product.variants)
    if changed:
        shop.catalog.forget(changed)
    if any(fact.kind in (OfferPublished.kind, OfferRetired.kind) for fact in facts):
        await shop.books.refresh()
