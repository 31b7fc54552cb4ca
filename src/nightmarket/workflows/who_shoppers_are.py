"""What was bought becomes what shoppers are to the shop: segments, first orders, and the way a cart came to be.

Nothing of it is kept until somebody asks: then earlier orders are read by a job, and new ones noted as they are paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Listing
from nightmarket.engagement.contract.profiles import ProfileChanged
from nightmarket.engagement.contract.segments import Purchase, SegmentChanged, Segments
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import (
    BoardFilter,
    Known,
    OrderBooks,
    OrderReader,
    OrderRow,
    OrdersCancelled,
    OrdersPaid,
    OrderState,
)
from nightmarket.platform.access import Identities, is_shadow, key_names
from nightmarket.platform.aside import PIECE_LIMIT, Aside, Chore
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.jobs import Job, JobContext, JobDesk, JobRequest
from nightmarket.platform.subscriptions import Subscription
from nightmarket.promotions.contract import Books, asks_who

TOPIC = "purchases"
JOB = "segments.count"
ORDERS_STEP = 200
"""Earlier orders that one step of the job reads."""

COUNT_EVERY = timedelta(hours=1)
"""How old a count may be: rules that look back over days change by themselves."""

STOREFRONT, AGENT, API = "storefront", "agent", "api"
"""The ways a cart comes to be: in this shop, by an agent that names itself, by a client with a key."""

DERIVED = 8
"""The version of ids that are derived: owners of agents without a key (`entrypoints.ucp`)."""

NOTHING = Known()
_PIECE = msgspec.msgpack.Decoder(list[UUID])
_ENCODE = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowingMeans:
    """What they work with."""

    database: Database
    segments: Segments
    identities: Identities
    orders: OrderReader
    order_books: OrderBooks
    catalog: Catalog
    books: Books
    aside: Aside
    clock: Clock


class ShoppersKnown:
    """Implements `orders.contract.ShopperSource`: segments and first order of accounts, first order of guests who have
    proven an address, and everybody's channel. Asks only for what an offer of the book asks for."""

    def __init__(self, means: KnowingMeans) -> None:
        self._means = means
        self._asked: tuple[int, tuple[bool, bool, bool]] = (-1, (False, False, False))

    @property
    def asked(self) -> tuple[bool, bool, bool]:
        """What the book asks for; looked through once a book."""
        book = self._means.books.current()
        if self._asked[0] != book.number:
            self._asked = (book.number, asks_who(book))
        return self._asked[1]

    async def of(self, owner: UUID, now: datetime) -> Known:  # noqa: ARG002
        segments, first_order, channels = self.asked
        if not (segments or first_order or channels):
            return NOTHING
        means = self._means
        async with means.database.read() as connection:
            channel = await _channel(connection, owner) if channels else None
            if not (segments or first_order):
                return Known(channel=channel)
            person = (await means.identities.of_accounts(connection, [owner])).get(owner)
            account = owner if person is not None else None
            person = person or await means.segments.person(connection, owner)
            words = await means.segments.of(connection, owner) if segments and account else frozenset[str]()
            first = await means.segments.is_first(connection, account, person) if first_order and person else None
        return Known(segments=tuple(sorted(words)), channel=channel, first_order=first)


async def _channel(connection: Connection, owner: UUID) -> str:
    if owner.version == DERIVED:
        return AGENT
    if is_shadow(owner) or await key_names(connection, [owner]):
        return API
    return STOREFRONT


class Shoppers:
    """Keeps purchases, and counts segments."""

    def __init__(self, means: KnowingMeans, source: ShoppersKnown) -> None:
        self._means, self._source = means, source
        self._desk = JobDesk(means.clock)

    # what happens as it happens

    def subscription(self) -> Subscription:
        """The consumer: sets orders aside while somebody asks for them; profiles are decided on at once, so that who
        takes back the consent is in no segment."""

        async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
            if await self._means.segments.following(tx) is None:
                return
            orders = [one.order for fact in facts if fact.kind == OrdersPaid.kind for one in fact.read(OrdersPaid)]
            orders += [
                one.order for fact in facts if fact.kind == OrdersCancelled.kind for one in fact.read(OrdersCancelled)
            ]
            pieces = [orders[start : start + PIECE_LIMIT] for start in range(0, len(orders), PIECE_LIMIT)]
            await self._means.aside.put(tx, TOPIC, [(len(piece), _ENCODE(piece)) for piece in pieces])
            changed = {
                one.account for fact in facts if fact.kind == ProfileChanged.kind for one in fact.read(ProfileChanged)
            }
            await self._count(tx, sorted(changed))
            last = facts[-1].cursor
            if any(fact.kind == SegmentChanged.kind for fact in facts):
                await self.ask(tx, f"{last.epoch}.{last.xid}.{last.sequence}")

        kinds = (OrdersPaid.kind, OrdersCancelled.kind, ProfileChanged.kind, SegmentChanged.kind)
        return Subscription(TOPIC, kinds, handle, joint=True)

    def chore(self) -> Chore:
        """What was set aside is read and noted."""

        async def look(tx: Connection, pieces: Sequence[bytes]) -> None:
            await self.note(tx, [order for piece in pieces for order in _PIECE.decode(piece)])

        return Chore(TOPIC, look)

    async def note(self, tx: Connection, orders: Sequence[UUID]) -> None:
        """Keep those of these orders that are paid, and forget the others."""
        means, wanted = self._means, list(dict.fromkeys(orders))
        rows = {
            id: found
            for id, found in (await means.orders.rows(tx, wanted)).items()
            if found and not is_shadow(found[0].owner)
        }
        paid = {id: found for id, found in rows.items() if found[0].state is OrderState.PAID}
        owners = sorted({found[0].owner for found in paid.values()})
        accounts = await means.identities.of_accounts(tx, owners)
        variants = {line.variant for found in paid.values() for row in found for line in row.body.lines}
        listings = await means.catalog.listings(variants)
        above = {one.slug: one.parent for one in await means.catalog.categories()}
        bought = [purchase_of(found, accounts, means.identities, (listings, above)) for found in paid.values()]
        await means.segments.note(tx, bought, [id for id in wanted if id in rows and id not in paid])

    async def _count(self, tx: Connection, accounts: Sequence[UUID]) -> None:
        keys = await self._means.identities.of_accounts(tx, accounts) if accounts else {}
        if keys:
            await self._means.segments.count(tx, sorted(keys.items()))

    # what happens from time to time

    async def step(self) -> int:
        """Ask for a count when the last one is too old, or when the book has begun to ask. For a drain."""
        means = self._means
        async with means.database.read() as connection:
            known = await means.segments.following(connection)
        segments, first_order, _ = self._source.asked
        now = means.clock.now()
        if known is None and not (segments or first_order):
            return 0
        if known is not None and known.counted_at is not None and now - known.counted_at < COUNT_EVERY:
            return 0
        async with means.database.transaction() as tx:
            await means.segments.follow(tx)
            return await self.ask(tx, f"{now:%Y-%m-%dT%H}")

    async def ask(self, tx: Connection, occasion: str) -> int:
        """Ask for a count, once an occasion; returns how many jobs are new."""
        return await self._desk.request(tx, [JobRequest(f"{JOB}:{occasion}", JOB, "segments")])

    def job(self) -> Job:
        """Reads earlier orders where that was never done, then decides on every account, a page at a time."""

        async def run(context: JobContext) -> str | None:
            whole = await context.step("begin", self._begin)
            place: str | None = "" if not whole else None
            while place is not None:
                place = await context.step("orders", lambda before=place: self.read_orders(before))
                await context.progress(0, message="orders")
            after: str | None = str(UUID(int=0))
            pages = 0
            while after is not None:
                after = await context.step("accounts", lambda start=after: self.count_page(start))
                pages += 1
                await context.progress(pages)
            await context.step("end", self._end)
            return None

        return Job(JOB, run)

    async def _begin(self) -> bool:
        async with self._means.database.transaction() as tx:
            return (await self._means.segments.follow(tx)).whole_at is not None

    async def _end(self) -> bool:
        async with self._means.database.transaction() as tx:
            await self._means.segments.counted(tx, whole=True)
        return True

    async def read_orders(self, before: str) -> str | None:
        """Note the next earlier orders; returns where it stopped, None at the end."""
        means = self._means
        place = (datetime.fromisoformat(before[:-37]), UUID(before[-36:])) if before else None
        async with means.database.read() as connection:
            found = await means.order_books.board(
                connection, BoardFilter(state=OrderState.PAID), before=place, limit=ORDERS_STEP
            )
        async with means.database.transaction() as tx:
            await self.note(tx, [one.id for one in found])
        return f"{found[-1].placed_at.isoformat()} {found[-1].id}" if len(found) == ORDERS_STEP else None

    async def count_page(self, after: str) -> str | None:
        """Decide on the next accounts; returns the last of them, None at the end."""
        means = self._means
        async with means.database.transaction() as tx:
            found = await means.segments.accounts(tx, UUID(after))
            await self._count(tx, found)
        return str(found[-1]) if found else None


def purchase_of(
    rows: Sequence[OrderRow],
    accounts: Mapping[UUID, UUID],
    identities: Identities,
    goods: tuple[Mapping[UUID, Listing], Mapping[str, str | None]],
) -> Purchase:
    """A paid order, by what segments ask of it."""
    first, (listings, above) = rows[0], goods
    lines = [line for row in rows for line in row.body.lines]
    known = [listings[line.variant] for line in lines if line.variant in listings]
    categories: set[str] = set()
    for slug in {one.category for one in known}:
        place: str | None = slug
        while place and place not in categories:
            categories.add(place)
            place = above.get(place)
    return Purchase(
        order=first.id,
        person=accounts.get(first.owner) or _key(identities, first),
        account=first.owner if first.owner in accounts else None,
        placed_at=first.placed_at,
        currency=first.currency,
        total=sum(row.total for row in rows),
        country=first.body.destination.country,
        merchants=sorted({row.merchant for row in rows}),
        products=sorted({one.product for one in known}),
        categories=sorted(categories),
        brands=sorted({one.brand for one in known if one.brand}),
        offers=sorted({one.offer for row in rows for one in row.body.applied}),
    )


def _key(identities: Identities, row: OrderRow) -> UUID:
    try:
        return identities.key_of(row.body.contact.email)
    except InvalidInput:  # an address of which no account can be: nobody else's, then
        return row.owner
