"""Twins of rooms that a test does not want to fill: a catalogue of given listings, a counter for orders, a mail
server."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from nightmarket.catalog.contract import (
    Attribute,
    Brand,
    Card,
    Category,
    Listing,
    Merchant,
    Place,
    Product,
    Rival,
    Stock,
    stamped,
)
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, derive
from nightmarket.orders.contract import Buyers, Contact, Destination, KnownTogether, LineInput, SessionInput
from nightmarket.orders.handlers import Means, OrderDesk
from nightmarket.orders.points import NO_FAULTS, Faults
from nightmarket.orders.policies import NO_ACCOUNTS, FlatRates
from nightmarket.payments.contract import Provider
from nightmarket.payments.handlers import StoredJournal, StoredPayments
from nightmarket.payments.providers import BankTransfers, NullProvider
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.handlers import StoredBooks
from nightmarket.tally.contract import NewTally, TallyKind
from nightmarket.tally.handlers import SlicedTallies

SECRET = b"a secret of the tests, thirty-two bytes"


class FixedCatalog:
    """Implements `catalog.contract.Catalog` over listings that stay as they are."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._listings = {listing.variant: stamped(listing) for listing in listings}

    def put(self, listing: Listing) -> None:
        self._listings[listing.variant] = stamped(listing)

    async def listings(self, variants: Iterable[UUID]) -> Mapping[UUID, Listing]:
        return {variant: self._listings[variant] for variant in variants if variant in self._listings}

    def forget(self, variants: Iterable[UUID]) -> None: ...

    def forget_merchants(self, merchants: Iterable[UUID]) -> None: ...

    def forget_categories(self, categories: Iterable[str]) -> None: ...

    async def product(self, slug: str) -> Product | None:
        return None

    async def cards(
        self,
        *,
        category: str | None = None,
        merchant: UUID | None = None,
        brand: str | None = None,
        after: str | None = None,
        limit: int = 48,
    ) -> Sequence[Card]:
        return []

    async def cards_of(self, products: Sequence[UUID]) -> Sequence[Card]:
        return []

    async def merchants(self, *, open_only: bool = False) -> Sequence[Merchant]:
        return []

    async def rivals(self, product: UUID) -> Sequence[Rival]:
        return []

    async def brands(self) -> Sequence[Brand]:
        return []

    async def brand(self, slug: str) -> Brand | None:
        return None

    async def attributes(self) -> Sequence[Attribute]:
        return []

    async def places(self) -> Sequence[Place]:
        return []

    async def categories(self) -> Sequence[Category]:
        return []

    async def find(self, merchant: str, sku: str) -> UUID | None:
        return next((listing.variant for listing in self._listings.values() if listing.sku == sku), None)


def listing(sku: str, *, merchant: str = "lanterns", price: int = 1000, places: int = 1) -> Listing:
    """A listing whose ids follow from merchant and SKU."""
    variant = derive("variant", merchant, sku)
    stock = tuple(
        Stock(place, derive("stock", variant, place)) for place in (derive("place", merchant, n) for n in range(places))
    )
    return Listing(
        variant=variant,
        product=derive("product", merchant, sku),
        merchant=derive("merchant", merchant),
        sku=sku,
        slug=sku.lower(),
        category="lamps",
        brand="Test Lanterns",
        title={"en": f"Lantern {sku}", "de": f"Laterne {sku}"},
        options={},
        prices={"EUR": price, "USD": price},
        stock=stock,
    )


class Shop:
    """An order desk on a real database, with a fixed catalogue and a given clock."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, listings: Iterable[Listing]) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self.facts = Facts(ids)
        self.tallies = SlicedTallies(self.facts, ids)
        self.catalog = FixedCatalog(listings)
        self.books = StoredBooks(database)
        self.payments = StoredPayments(self.facts)
        self.known = KnownTogether()

    def desk(
        self,
        providers: Mapping[str, Provider] | None = None,
        faults: Faults = NO_FAULTS,
        buyers: Buyers = NO_ACCOUNTS,
    ) -> OrderDesk:
        """Another desk on the same database, as another process would have."""
        return OrderDesk(
            Means(
                database=self.database,
                catalog=self.catalog,
                books=self.books,
                tallies=self.tallies,
                journal=StoredJournal(),
                payments=self.payments,
                providers=providers or {"test": NullProvider("test"), "transfer": BankTransfers()},
                deliveries=FlatRates(),
                facts=self.facts,
                clock=self.clock,
                ids=self.ids,
                secret=SECRET,
                faults=faults,
                buyers=buyers,
                knowing=self.known,
            )
        )

    async def stock(self, amounts: Mapping[Listing, int] | Sequence[tuple[Listing, int]]) -> None:
        """Open the stock of each listing's first place; further places start empty."""
        pairs = amounts.items() if isinstance(amounts, Mapping) else amounts
        tallies = [
            NewTally(stock.tally, TallyKind.STOCK, amount if position == 0 else 0)
            for one, amount in pairs
            for position, stock in enumerate(one.stock)
        ]
        async with self.database.transaction() as tx:
            await self.tallies.open(tx, tallies, self.clock.now())


HOME = Destination(country="DE", street="Lampengasse 11", city="Nachtstadt", postal_code="11111")
READER = Contact(email="reader@example.com", first_name="Test", last_name="Reader")


def wanted(*lines: tuple[Listing, int], codes: tuple[str, ...] = (), currency: str = "EUR") -> SessionInput:
    """A session that lacks nothing: lines, contact, address, standard delivery."""
    return SessionInput(
        lines=tuple(LineInput(one.variant, quantity) for one, quantity in lines),
        currency=currency,
        contact=READER,
        destination=HOME,
        options={one.merchant: "standard" for one, _ in lines},
        codes=codes,
    )


class PostOffice:
    """A mail server: keeps what it is handed, and does not know `nobody`. Its address is an `smtp://` one."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.address = ""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["PostOffice"]:
        """Serve on a free port until the block ends."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.address = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(text[:-3], policy=SMTP))
            known = word != b"RCPT" or b"<nobody@" not in line
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n" if known else b"550 not here\r\n")
            await writer.drain()
            if word == b"QUIT":
                break
        writer.close()
