"""The claim batch: sessions become orders. One transaction, all or nothing per order, in order of arrival."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.problems import Problem
from nightmarket.orders import store
from nightmarket.orders.contract import Order, OrdersPlaced, Sold
from nightmarket.orders.errors import (
    CompletionRefused,
    KeyReused,
    PaymentRefused,
    SessionClosed,
    SessionNotFound,
)
from nightmarket.orders.model.order import TRANSFER, claim_id, first_due, hold_of, sale_of
from nightmarket.orders.model.prepared import (
    PackedOrder,
    Placing,
    Prepared,
    Terms,
    pack,
    paid_from_wallet,
    prepared_at,
    stamp_of,
)
from nightmarket.orders.model.session import (
    KEY_BYTES,
    CartLine,
    SessionBody,
    SessionKind,
    SessionState,
    Standing,
    counted_under,
)
from nightmarket.orders.points import Point
from nightmarket.payments.contract import Sale, sale_placed
from nightmarket.payments.contract.wallets import Purse
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.platform.pipeline import in_order
from nightmarket.promotions.contract import (
    Book,
    book_tallies,
    buyer_caps,
    buyer_tally,
    counts,
)
from nightmarket.tally.contract import AnyLedger, ClaimRequest, Grant, Ledger, Part, SlicesShort, TallyEmptied

from .buyers import buyer_keys
from .means import Means
from .pricing import (
    Dearer,
    Granted,
    Priced,
    grant_priced,
    nothing_left,
    out_of_stock,
    price_changed,
    priced,
    seat_refused,
)
from .sourcing import NOTHING_ASIDE, aside_of, stock_parts

CHECKOUT, CANCELLED = int(SessionKind.CHECKOUT), int(SessionState.CANCELLED)
PLACED = (int(SessionState.IN_PROGRESS), int(SessionState.COMPLETED))
"""Plain numbers: a member of an enumeration is looked up for longer than a row's state is read."""


class Complete(msgspec.Struct, frozen=True, gc=False):
    """Turn a session into an order that will be paid through `handler`, `listed` for its owner or not.

    With `mark` (`Asked.mark`) only once: another request finds a session that is closed.
    """

    id: UUID
    owner: UUID
    handler: str
    listed: bool = False
    mark: bytes = b""
    purse: Purse | None = None
    """Wallet money that is to pay first, instead of what the session carries."""


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """An order whose claim is committed: as it was placed just now, or as it stands."""

    sold: Sold
    sale: Sale

    @property
    def claim(self) -> UUID:
        return self.sale.claim


class _Ready(msgspec.Struct):
    """A session of this batch that may become an order: as it was prepared, or priced now."""

    item: Complete
    attempt: int
    lines: tuple[CartLine, ...]
    goods: Sequence[Listing]
    """Of each line."""
    order: PackedOrder | Priced


class ClaimBatch:
    """Turns sessions into orders, up to a batch at a time."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._gone: set[UUID] = set()
        self.lane: GroupCommit[Complete, Claimed] = means.lane("claims", self._work, turn=means.turn, pipelined=True)

    def tell_gone(self) -> None:
        """Tell of what the last batches took the last of; called when a batch is committed."""
        if self._gone:
            gone, self._gone = self._gone, set()
            self._means.tell(gone)

    async def _work(self, tx: Connection, items: Sequence[Complete]) -> Sequence[Claimed | Problem]:
        means = self._means
        means.faults.reach(Point.BEFORE_CLAIM)
        now = means.clock.now()
        sessions = {record["id"]: record for record in await store.lock_sessions(tx, {item.id for item in items})}
        outcomes: dict[UUID, Claimed | Problem] = {}
        strangers: dict[int, Problem] = {}
        placed_before: list[UUID] = []
        open_items: dict[UUID, tuple[Complete, Record]] = {}
        for index, item in enumerate(items):
            record = sessions.get(item.id)
            if record is None or record["owner"] != item.owner or record["kind"] != CHECKOUT:
                strangers[index] = SessionNotFound("There is no such checkout, or it belongs to someone else.")
                continue
            state = record["state"]
            if state in PLACED:
                placed_before.append(item.id)
            elif state == CANCELLED:
                outcomes[item.id] = SessionClosed("This checkout was cancelled; start a new one.")
            elif record["expires_at"] < now:
                outcomes[item.id] = SessionClosed("This checkout has expired; start a new one.")
            else:
                open_items.setdefault(item.id, (item, record))
        if placed_before:
            for id, rows in (await store.orders(tx, placed_before)).items():
                attempt = rows[0].attempt
                sale = sale_of(id, claim_id(id, attempt), rows)
                outcomes[id] = Claimed(Order(id, rows), sale)
        if any(item.mark and record["attempt"] for item, record in open_items.values()):
            outcomes.update(await _tried_before(tx, open_items))
            open_items = {id: one for id, one in open_items.items() if id not in outcomes}
        if open_items:
            await self._place(tx, open_items, outcomes, now)
        return [strangers.get(index) or _for(item, outcomes[item.id]) for index, item in enumerate(items)]

    async def _place(
        self,
        tx: Connection,
        items: Mapping[UUID, tuple[Complete, Record]],
        outcomes: dict[UUID, Claimed | Problem],
        now: datetime,
    ) -> None:
        means = self._means
        terms = means.terms(means.books.current())
        ready, listings = await self._ready(items, outcomes, terms, now)
        stock = {stock.tally for one in ready for listing in one.goods for stock in listing.stock}
        scarce = await self._scarce(tx, ready, terms.book, now) if counts(terms.book) else set[UUID]()
        seats = [one.order.body.seat for one in ready if isinstance(one.order, Priced)]
        scarce.update(tally for seat in seats if seat is not None for tally in seat.tallies)
        purses = [one.order.body.purse for one in ready if isinstance(one.order, Priced)]
        scarce.update(lot.id for purse in purses if purse is not None for lot in purse.lots)
        ledger = await means.tallies.lock(tx, stock | scarce)
        placings: list[Placing] = []
        dearer: dict[UUID, SessionBody] = {}
        if scarce:
            most = {tally: units for one in ready if isinstance(one.order, Priced) for tally, units in one.order.shares}
            await means.tallies.fit_limits(tx, ledger, most)
        for one in ready:
            try:
                result = self._grant(one, listings, ledger, terms, now)
            except SlicesShort as short:
                raise means.tallies.again(short) from short
            if isinstance(result, Placing):
                placings.append(result)
            elif isinstance(result, Dearer):
                body = result.body
                dearer[one.item.id] = body if one.item.purse is None else msgspec.structs.replace(body, purse=None)
                outcomes[one.item.id] = price_changed(result)
            else:
                outcomes[one.item.id] = result
        outcomes.update(await self.write(tx, placings, ledger, now))
        gone = [tally for tally in ledger.emptied() if tally in stock]
        if gone:
            await means.facts.append(tx, [TallyEmptied(tally) for tally in gone], now)
            self._gone.update(gone)
        if dearer:
            await store.write_bodies(
                tx,
                [
                    (id, SessionState.READY, store.PACK.encode(body), items[id][1]["expires_at"], None)
                    for id, body in sorted(dearer.items())
                ],
            )
        for id, (_, record) in items.items():
            refusal = outcomes[id]
            if isinstance(refusal, CompletionRefused):
                body = dearer.get(id) or store.SESSION_BODY.decode(record["body"])
                refusal.standing = Standing(body, record["version"], record["expires_at"])
        means.faults.reach(Point.CLAIM_WRITTEN)

    async def _ready(
        self,
        items: Mapping[UUID, tuple[Complete, Record]],
        outcomes: dict[UUID, Claimed | Problem],
        terms: Terms,
        now: datetime,
    ) -> tuple[list[_Ready], Mapping[UUID, Listing]]:
        """The sessions that may become orders, in order of arrival, and the goods in all of them."""
        decode = store.SESSION_BODY.decode
        prepared: dict[UUID, Prepared] = {}
        bodies: dict[UUID, SessionBody] = {}
        variants: set[UUID] = set()
        for id, (item, record) in items.items():
            one = prepared_at(record["prepared"], now) if item.purse is None else None
            if one is not None:
                prepared[id] = one
                lines = one.order.lines
            else:
                bodies[id] = decode(record["body"])
                lines = bodies[id].lines
            variants.update([line.variant for line in lines])
        listings = await self._means.catalog.listings(variants)
        known = listings.get
        stamp = terms.stamp()
        ready: list[_Ready] = []
        for id, (item, record) in items.items():
            one = prepared.get(id)
            if one is not None:
                goods = goods_of(one, known, stamp)
                if goods is not None:
                    ready.append(_Ready(item, record["attempt"], one.order.lines, goods, one.order))
                    continue
            body = bodies.get(id) or decode(record["body"])
            if item.purse is not None:
                body = msgspec.structs.replace(body, purse=item.purse)
            found = priced(item.owner, body, listings, terms, now)
            if isinstance(found, Problem):
                outcomes[id] = found
            else:
                goods = [listings[line.variant] for line in body.lines]
                ready.append(_Ready(item, record["attempt"], body.lines, goods, found))
        return ready, listings

    async def _scarce(self, tx: Connection, ready: Sequence[_Ready], book: Book, now: datetime) -> set[UUID]:
        """Every tally of offers and limits that this batch may touch, also those of offers that would come in for a
        refused one. Finds out who buys where that counts, and opens the buyers' tallies that are missing. What was
        prepared touches none."""
        anew = [(one.item, one.order) for one in ready if isinstance(one.order, Priced)]
        tallies = {tally for _, one in anew for tally in book_tallies(one.cart, book, one.shopper, now)}
        caps = {item.id: buyer_caps(one.cart, book, one.shopper, now) for item, one in anew}
        limited = [(item, one) for item, one in anew if caps[item.id]]
        if limited:
            keys = await buyer_keys(self._means, tx, {item.id: item.owner for item, _ in limited})
            most: dict[UUID, int] = {}
            for item, one in limited:
                one.buyers = counted_under(keys.get(item.id, ()), one.body.entitled)
                one.shares = [(buyer_tally(c.offer, c.counted, b), c.most) for c in caps[item.id] for b in one.buyers]
                most.update(one.shares)
            await self._means.tallies.open_limits(tx, most, now)
            tallies.update(most)
        return tallies

    def _grant(
        self, one: _Ready, listings: Mapping[UUID, Listing], ledger: Ledger, terms: Terms, now: datetime
    ) -> Placing | Dearer | Problem:
        """Claim for one order."""
        order, item = one.order, one.item
        aside = aside_of(order.body.known, order.quote) if isinstance(order, Priced) else NOTHING_ASIDE
        stock, left = stock_parts(one.lines, one.goods, ledger, aside)
        if left:
            return out_of_stock(left)
        refused = seat_refused(order, item.handler, now)
        if refused is not None:
            return refused
        if isinstance(order, Priced) and order.body.seat is not None:
            stock = [*stock, *(Part(tally, 1) for tally in order.body.seat.tallies)]
        claim = ClaimRequest(claim_id(item.id, one.attempt), tuple(stock), now + hold_of(item.handler))
        if isinstance(order, Priced):
            granted = grant_priced(claim, order, ledger, terms.book, now)
            if granted is None:
                return self._grant(one, listings, ledger, terms, now)
            if not isinstance(granted, Granted):
                return granted
            without = tuple(granted.cart.refused.items())
            order = pack(order.body, granted.quote, listings, order.deliveries, refused=without, zone=terms.zone)
            order = paid_from_wallet(order, granted.wallet) if granted.wallet else order
        elif not isinstance(ledger.claim(claim), Grant):
            return nothing_left(one.lines)
        return Placing(item.id, item.owner, one.attempt, item.handler, order, now, item.listed, item.mark)

    async def write(
        self,
        tx: Connection,
        placings: Sequence[Placing],
        ledger: AnyLedger,
        now: datetime,
        seen: Mapping[UUID, Record] | None = None,
    ) -> dict[UUID, Claimed]:
        """Write orders and all that goes with them. `seen` are sessions as they were read, in order of id, where they
        are not locked. Slices come last: others wait for them."""
        if not placings:
            return {}
        means = self._means
        sales = [placing.sale() for placing in placings]
        await self._close(tx, placings, now, seen)
        await store.insert_orders(tx, placings)
        await means.journal.post(tx, [sale_placed(sale, now) for sale in sales])
        await means.facts.append(tx, [placed_fact(placing) for placing in placings], now)
        await means.tallies.write(tx, ledger, now)
        return {placing.id: Claimed(placing, sale) for placing, sale in zip(placings, sales, strict=True)}

    async def _close(
        self, tx: Connection, placings: Sequence[Placing], now: datetime, seen: Mapping[UUID, Record] | None
    ) -> None:
        if seen is not None:
            await in_order(tx)
        asked = {placing.id: placing.handler for placing in placings if placing.handler != TRANSFER}
        done = {placing.id: placing.handler for placing in placings if placing.handler == TRANSFER}
        for some, state in ((asked, SessionState.IN_PROGRESS), (done, SessionState.COMPLETED)):
            if not some:
                continue
            due_at = first_due(next(iter(some.values())), now)
            if seen is None:
                await store.place_sessions(tx, list(some), state, due_at)
            else:
                await store.place_seen(tx, [one for id, one in seen.items() if id in some], state, due_at)


def goods_of(one: Prepared, known: Callable[[UUID], Listing | None], stamp: bytes) -> list[Listing] | None:
    """The goods of an order's lines; None where it does not follow from them any more."""
    lines = one.order.lines
    goods = [listing for line in lines if (listing := known(line.variant)) is not None]
    return goods if len(goods) == len(lines) and one.stamp == stamp_of(stamp, goods) else None


def _for(item: Complete, outcome: Claimed | Problem) -> Claimed | Problem:
    """What this very request is answered: an order is the answer to the request that placed it, and to no other."""
    if not item.mark or isinstance(outcome, Problem):
        return outcome
    return _other_request(item.mark, outcome.sold.mark) or outcome


def _other_request(mark: bytes, before: bytes) -> Problem | None:
    if before == mark:
        return None
    if before[:KEY_BYTES] == mark[:KEY_BYTES]:
        return KeyReused("This idempotency key came with another request before; use a new key for a new request.")
    return SessionClosed("This checkout is already completed or being paid. Read it to see what became of it.")


async def _tried_before(tx: Connection, items: Mapping[UUID, tuple[Complete, Record]]) -> dict[UUID, Problem]:
    """Of sessions that were tried before and can be tried again: the answers to requests that are no new try."""
    rows = await store.orders(tx, [id for id, (item, record) in items.items() if item.mark and record["attempt"]])
    found: dict[UUID, Problem] = {}
    for id, parts in rows.items():
        before, mark = parts[0].body.mark, items[id][0].mark
        if before == mark:
            text = "The payment did not come about. Nothing was charged; use a new idempotency key to try again."
            found[id] = PaymentRefused(text, field="payment")
        elif before[:KEY_BYTES] == mark[:KEY_BYTES]:
            found[id] = KeyReused("This idempotency key came with another request; use a new key to try again.")
    return found


class _Placed(msgspec.Struct, frozen=True, gc=False):
    """`OrdersPlaced`, with its lines packed before."""

    kind: ClassVar[str] = OrdersPlaced.kind
    order: UUID
    owner: UUID
    attempt: int
    currency: str
    total: int
    country: str
    lines: msgspec.Raw
    handler: str


def placed_fact(placing: Placing) -> _Placed:
    order = placing.order
    return _Placed(
        placing.id,
        placing.owner,
        placing.attempt,
        order.currency,
        order.total,
        order.country,
        order.placed,
        placing.handler,
    )
