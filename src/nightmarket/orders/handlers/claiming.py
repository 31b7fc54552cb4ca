"""The claim batch: sessions become orders. One transaction, all or nothing per order, in order of arrival."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.problems import Problem
from nightmarket.orders import store
from nightmarket.orders.contract import OrdersPlaced, PlacedLine
from nightmarket.orders.errors import (
    CompletionRefused,
    KeyReused,
    NotReady,
    OutOfStock,
    PaymentRefused,
    PriceChanged,
    SessionClosed,
    SessionNotFound,
)
from nightmarket.orders.model.order import TRANSFER, OrderRow, Placing, claim_id, hold_of, rows_of, sale_of
from nightmarket.orders.model.session import (
    KEY_BYTES,
    DeliveryOption,
    SessionBody,
    SessionKind,
    SessionState,
    Standing,
    assess,
    deliveries_of,
    is_whole,
    price_cart,
    shopper_of,
)
from nightmarket.orders.points import Point
from nightmarket.payments.contract import Sale, sale_placed
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.promotions.contract import (
    Book,
    PriceCart,
    Quote,
    Scarce,
    Shopper,
    book_tallies,
    buyer_caps,
    buyer_tally,
    counts,
    demand,
    price,
)
from nightmarket.tally.contract import ClaimRequest, Grant, Ledger, Part, SlicesShort, TallyEmptied

from .buyers import buyer_keys, identity_needed, limit_reached
from .means import Means
from .sourcing import stock_parts


class Complete(msgspec.Struct, frozen=True):
    """Turn a session into an order that will be paid through `handler`, `listed` for its owner or not.

    With `mark` (`Asked.mark`) only once: another request finds a session that is closed.
    """

    id: UUID
    owner: UUID
    handler: str
    listed: bool = False
    mark: bytes = b""


class Claimed(msgspec.Struct, frozen=True):
    """An order whose claim is committed. `new` is False where it was committed before."""

    rows: tuple[OrderRow, ...]
    sale: Sale
    attempt: int
    new: bool

    @property
    def claim(self) -> UUID:
        return self.sale.claim


class _Ready(msgspec.Struct):
    """A session of this batch that may become an order."""

    item: Complete
    attempt: int
    body: SessionBody
    cart: PriceCart
    shopper: Shopper
    deliveries: Mapping[UUID, Sequence[DeliveryOption]]
    quote: Quote
    buyers: tuple[UUID, ...] = ()
    """The keys under which its buyer is counted, where something is limited per buyer."""


class _Dearer(msgspec.Struct, frozen=True):
    body: SessionBody
    quote: Quote


class ClaimBatch:
    """Turns sessions into orders, up to a batch at a time."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._gone: set[UUID] = set()
        self.lane: GroupCommit[Complete, Claimed] = means.lane("claims", self._work)

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
            if record is None or record["owner"] != item.owner or record["kind"] != SessionKind.CHECKOUT:
                strangers[index] = SessionNotFound("There is no such checkout, or it belongs to someone else.")
                continue
            match record["state"]:
                case SessionState.IN_PROGRESS | SessionState.COMPLETED:
                    placed_before.append(item.id)
                case SessionState.CANCELLED:
                    outcomes[item.id] = SessionClosed("This checkout was cancelled; start a new one.")
                case _ if record["expires_at"] < now:
                    outcomes[item.id] = SessionClosed("This checkout has expired; start a new one.")
                case _:
                    open_items.setdefault(item.id, (item, record))
        if placed_before:
            for id, rows in (await store.orders(tx, placed_before)).items():
                attempt = rows[0].attempt
                sale = sale_of(id, claim_id(id, attempt), rows)
                outcomes[id] = Claimed(rows, sale, attempt, new=False)
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
        decode = store.SESSION_BODY.decode
        bodies = {id: decode(record["body"]) for id, (_, record) in items.items()}
        listings = await means.catalog.listings({line.variant for body in bodies.values() for line in body.lines})
        book = means.books.current()
        ready: list[_Ready] = []
        for id, (item, record) in items.items():
            prepared = self._prepare(item, record["attempt"], bodies[id], listings, book, now)
            if isinstance(prepared, Problem):
                outcomes[id] = prepared
            else:
                ready.append(prepared)
        stock = {stock.tally for one in ready for line in one.body.lines for stock in listings[line.variant].stock}
        wanted = stock | await self._scarce(tx, ready, book, now) if counts(book) else stock
        ledger = await means.tallies.lock(tx, wanted)
        placings: list[tuple[Placing, list[OrderRow]]] = []
        dearer: dict[UUID, SessionBody] = {}
        for one in ready:
            try:
                result = self._grant(one, listings, ledger, book, now)
            except SlicesShort as short:
                raise means.tallies.again(short) from short
            if isinstance(result, Problem):
                outcomes[one.item.id] = result
            elif isinstance(result, _Dearer):
                dearer[one.item.id] = result.body
                outcomes[one.item.id] = _price_changed(one.body, result.quote)
            else:
                placings.append((result, rows_of(result, listings, one.deliveries, means.zone)))
        await self._write(tx, placings, ledger, outcomes, now)
        gone = [tally for tally in ledger.emptied() if tally in stock]
        if gone:
            await means.facts.append(tx, [TallyEmptied(tally) for tally in gone], now)
            self._gone.update(gone)
        if dearer:
            await store.write_bodies(
                tx,
                [
                    (id, SessionState.READY, store.PACK.encode(body), items[id][1]["expires_at"])
                    for id, body in sorted(dearer.items())
                ],
            )
        for id, (_, record) in items.items():
            refusal = outcomes[id]
            if isinstance(refusal, CompletionRefused):
                refusal.standing = Standing(dearer.get(id, bodies[id]), record["version"], record["expires_at"])
        means.faults.reach(Point.CLAIM_WRITTEN)

    def _prepare(
        self,
        item: Complete,
        attempt: int,
        body: SessionBody,
        listings: Mapping[UUID, Listing],
        book: Book,
        now: datetime,
    ) -> _Ready | Problem:
        options = self._means.deliveries.options
        to = body.destination
        variants = [line.variant for line in body.lines]
        deliveries = deliveries_of(variants, listings, to.country, body.currency, options) if to is not None else {}
        cart = price_cart(body, listings, deliveries, now)
        shopper = shopper_of(item.owner, body)
        complete = len(cart.lines) == len(body.lines) and len(cart.shipping) == len(deliveries)
        if not complete or not body.lines or body.contact is None or not body.contact.email or not is_whole(to):
            notices = assess(body, listings, deliveries, book, shopper, now).notices
            missing = [notice for notice in notices if notice.blocking]
            return NotReady(" ".join(notice.content for notice in missing), notices=missing)
        return _Ready(item, attempt, body, cart, shopper, deliveries, price(cart, book, shopper, now))

    async def _scarce(self, tx: Connection, ready: Sequence[_Ready], book: Book, now: datetime) -> set[UUID]:
        """Every tally of offers and limits that this batch may touch, also those of offers that would come in for a
        refused one. Finds out who buys where that counts, and opens the buyers' tallies that are missing."""
        tallies = {tally for one in ready for tally in book_tallies(one.cart, book, one.shopper, now)}
        caps = {one.item.id: buyer_caps(one.cart, book, one.shopper, now) for one in ready}
        limited = [one for one in ready if caps[one.item.id]]
        if limited:
            keys = await buyer_keys(self._means, tx, {one.item.id: one.item.owner for one in limited})
            most: dict[UUID, int] = {}
            for one in limited:
                one.buyers = keys.get(one.item.id, ())
                for cap in caps[one.item.id]:
                    most.update((buyer_tally(cap.offer, cap.counted, buyer), cap.most) for buyer in one.buyers)
            await self._means.tallies.open_limits(tx, most, now)
            tallies.update(most)
        return tallies

    def _grant(
        self, one: _Ready, listings: Mapping[UUID, Listing], ledger: Ledger, book: Book, now: datetime
    ) -> Placing | _Dearer | Problem:
        """Claim for one order; where only an offer is refused (used up, its budget gone, or its buyer has had enough of
        it), price again without it and try once more."""
        claim = claim_id(one.item.id, one.attempt)
        stock, left = stock_parts(one.body.lines, listings, ledger)
        if left:
            return _out_of_stock(left)
        cart, quote = one.cart, one.quote
        while True:
            if one.body.seen_total is not None and quote.total > one.body.seen_total:
                body = msgspec.structs.replace(one.body, seen_total=quote.total)
                return _Dearer(body, quote)
            scarce = demand(quote, cart, book, now, one.buyers)
            if scarce.by_buyer and not one.buyers:
                return identity_needed()
            parts = (*stock, *(Part(want.tally, want.quantity) for want in scarce.wants))
            result = ledger.claim(ClaimRequest(claim, parts, now + hold_of(one.item.handler)))
            if isinstance(result, Grant):
                item, refused = one.item, tuple(cart.refused.items())
                return Placing(
                    item.id,
                    item.owner,
                    one.attempt,
                    item.handler,
                    one.body,
                    quote,
                    now,
                    item.listed,
                    refused,
                    item.mark,
                )
            short = [want for want in scarce.wants if want.tally in result.short]
            for want in short:
                if want.why is Scarce.LIMIT:
                    return limit_reached(want, result.short[want.tally])
            if not short:
                return _out_of_stock(dict.fromkeys((line.id for line in one.body.lines), 0))
            refusals = {want.offer: want.why.value for want in reversed(short)}
            without, why = cart.without | refusals.keys(), cart.refused | refusals
            cart = msgspec.structs.replace(cart, without=without, refused=why)
            quote = price(cart, book, one.shopper, now)

    async def _write(
        self,
        tx: Connection,
        placings: Sequence[tuple[Placing, list[OrderRow]]],
        ledger: Ledger,
        outcomes: dict[UUID, Claimed | Problem],
        now: datetime,
    ) -> None:
        if not placings:
            return
        means = self._means
        claimed = [Claimed(tuple(r), sale_of(p.id, p.claim, r), p.attempt, new=True) for p, r in placings]
        await means.tallies.write(tx, ledger, now)
        await store.insert_orders(
            tx,
            [row for _, rows in placings for row in rows],
            [p.id for p, _ in placings if p.attempt],
            {p.id for p, _ in placings if p.listed},
        )
        await means.journal.post(tx, [sale_placed(one.sale, now) for one in claimed])
        await means.facts.append(tx, [_placed(p, listing_rows) for p, listing_rows in placings], now)
        waiting = [p.id for p, _ in placings if p.handler != TRANSFER]
        done = [p.id for p, _ in placings if p.handler == TRANSFER]
        if waiting:
            await store.mark_sessions(tx, waiting, SessionState.IN_PROGRESS)
        if done:
            await store.mark_sessions(tx, done, SessionState.COMPLETED)
        for (placing, _), one in zip(placings, claimed, strict=True):
            outcomes[placing.id] = one


def _for(item: Complete, outcome: Claimed | Problem) -> Claimed | Problem:
    """What this very request is answered: an order is the answer to the request that placed it, and to no other."""
    if not item.mark or isinstance(outcome, Problem):
        return outcome
    return _other_request(item.mark, outcome.rows[0].body.mark) or outcome


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


def _placed(placing: Placing, rows: Sequence[OrderRow]) -> OrdersPlaced:
    return OrdersPlaced(
        placing.id,
        placing.owner,
        placing.attempt,
        placing.quote.currency,
        placing.quote.total,
        rows[0].body.destination.country,
        tuple(
            PlacedLine(line.variant, line.product, row.merchant, line.quantity, line.total)
            for row in rows
            for line in row.body.lines
        ),
        placing.handler,
    )


def _out_of_stock(left: Mapping[str, int]) -> OutOfStock:
    if any(left.values()):
        text = "Fewer units are left than you want. Choose a smaller quantity."
    else:
        text = "This is sold out. Nothing was charged; remove it to order the rest."
    return OutOfStock(text, field="line_items", lines=dict(left))


def _price_changed(body: SessionBody, quote: Quote) -> PriceChanged:
    return PriceChanged(
        "The price has changed since you saw it. Nothing was charged; look at the new total and confirm again.",
        seen=body.seen_total,
        total=quote.total,
        currency=quote.currency,
    )
