"""Carts and checkout sessions: made, read, replaced, cancelled. Writes go through one group commit."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Problem
from nightmarket.orders import store
from nightmarket.orders.contract import LineInput, Order, SessionInput, SessionView
from nightmarket.orders.errors import KeyReused, SessionBusy, SessionClosed, SessionNotFound
from nightmarket.orders.model.checks import body_of
from nightmarket.orders.model.prepared import prepare
from nightmarket.orders.model.session import (
    BODY_BYTES,
    CART_LIFE,
    OPEN_STATES,
    SESSION_LIFE,
    Assessment,
    DeliveryOption,
    Entitled,
    SessionBody,
    SessionKind,
    SessionState,
    Standing,
    assess,
    deliveries_of,
    known_with,
    shopper_of,
)
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.group_commit import GroupCommit

from .buyers import look, note_gone
from .marking import Marks
from .means import Means

REUSED = "This idempotency key came with another request before; use a new key for a new request."
_CANONICAL = msgspec.msgpack.Encoder(uuid_format="bytes", order="deterministic")


class Make(msgspec.Struct, frozen=True):
    """Make a session unless its id exists; `request` is the fingerprint of what was asked for."""

    id: UUID
    owner: UUID
    kind: SessionKind
    state: SessionState
    request: bytes
    body: bytes
    at: datetime
    expires_at: datetime
    prepared: bytes | None


class Replace(msgspec.Struct, frozen=True):
    """Replace an open session's body; with `if_version` only if it is still that one, with `mark` only once."""

    id: UUID
    owner: UUID
    kind: SessionKind
    state: SessionState
    body: SessionBody
    at: datetime
    expires_at: datetime
    prepared: bytes | None
    """The order that would come of it (`model.prepared`)."""
    if_version: int | None
    mark: bytes = b""


class Cancel(msgspec.Struct, frozen=True):
    """Close an open session; with `mark` a repeat of the same request is no error."""

    id: UUID
    owner: UUID
    kind: SessionKind
    mark: bytes = b""


class ReplaceBoth(msgspec.Struct, frozen=True):
    """Replace two open sessions' bodies, or neither."""

    one: Replace
    other: Replace


Write = Make | Replace | ReplaceBoth | Cancel


class SessionDesk:
    """Serves carts and sessions."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.writes: GroupCommit[Write, bool] = means.lane("sessions", self._write)

    async def create(
        self, owner: UUID, kind: SessionKind, key: str, wanted: SessionInput, *, digest: bytes | None = None
    ) -> SessionView:
        id = derive("session", owner, int(kind), key, secret=self._means.secret[:64])
        asked = body_of(wanted)
        request = digest or hashlib.blake2b(_CANONICAL.encode(asked), digest_size=BODY_BYTES).digest()
        if wanted.cart is not None:
            asked = body_of(await self._from_cart(owner, wanted, wanted.cart))
        now = self._means.clock.now()
        body, assessment, listings = await self.assess((id, owner), asked, now)
        life = CART_LIFE if kind is SessionKind.CART else SESSION_LIFE
        made = await self.writes.submit(
            Make(
                id,
                owner,
                kind,
                _state(assessment),
                request,
                store.PACK.encode(body),
                now,
                now + life,
                self.prepared(owner, kind, body, listings, now),
            )
        )
        if not made:
            return await self.get(owner, kind, id)
        return SessionView(id, owner, kind, _state(assessment), 1, body, assessment, listings, now + life)

    async def get(self, owner: UUID, kind: SessionKind, id: UUID) -> SessionView:
        async with self._means.database.read() as connection:
            record = await store.read_session(connection, id)
            if record is None or record["owner"] != owner or record["kind"] != kind:
                raise SessionNotFound("There is no such cart or checkout, or it belongs to someone else.", field="id")
            order = None
            if record["state"] in (SessionState.IN_PROGRESS, SessionState.COMPLETED):
                rows = (await store.orders(connection, [id])).get(id)
                order = Order(id, rows) if rows else None
        body = store.SESSION_BODY.decode(record["body"])
        body, assessment, listings = await self.assess((id, owner), body, self._means.clock.now())
        state = SessionState(record["state"])
        if state in OPEN_STATES:
            state = _state(assessment)
        return SessionView(
            id, owner, kind, state, record["version"], body, assessment, listings, record["expires_at"], order
        )

    async def update(
        self,
        owner: UUID,
        kind: SessionKind,
        id: UUID,
        wanted: SessionInput,
        *,
        if_version: int | None = None,
        mark: bytes = b"",
    ) -> SessionView:
        return await self._put((owner, kind, id), body_of(wanted), if_version, mark)

    async def _put(
        self, session: tuple[UUID, SessionKind, UUID], body: SessionBody, if_version: int | None, mark: bytes = b""
    ) -> SessionView:
        owner, kind, id = session
        now = self._means.clock.now()
        body, assessment, listings = await self.assess((id, owner), body, now)
        life = CART_LIFE if kind is SessionKind.CART else SESSION_LIFE
        state = _state(assessment)
        prepared = self.prepared(owner, kind, body, listings, now)
        replace = Replace(id, owner, kind, state, body, now, now + life, prepared, if_version, mark)
        if not await self.writes.submit(replace):
            return await self.get(owner, kind, id)
        version = 0 if if_version is None else if_version + 1
        return SessionView(id, owner, kind, state, version, body, assessment, listings, now + life)

    async def replace_both(
        self, one: tuple[SessionView, SessionBody], other: tuple[SessionView, SessionBody]
    ) -> SessionView:
        """Give two sessions new bodies in one transaction, if both are as they were read; returns the first.

        Raises SessionBusy or SessionClosed, and then neither is changed.
        """
        now = self._means.clock.now()
        replaces: list[Replace] = []
        views: list[SessionView] = []
        for view, wanted in (one, other):
            body, assessment, listings = await self.assess((view.id, view.owner), wanted, now)
            ends = now + (CART_LIFE if view.kind is SessionKind.CART else SESSION_LIFE)
            state = _state(assessment)
            prepared = self.prepared(view.owner, view.kind, body, listings, now)
            replaces.append(Replace(view.id, view.owner, view.kind, state, body, now, ends, prepared, view.version))
            views.append(
                SessionView(view.id, view.owner, view.kind, state, view.version + 1, body, assessment, listings, ends)
            )
        await self.writes.submit(ReplaceBoth(*replaces))
        return views[0]

    async def cancel(self, owner: UUID, kind: SessionKind, id: UUID, *, mark: bytes = b"") -> SessionView:
        await self.writes.submit(Cancel(id, owner, kind, mark))
        return await self.get(owner, kind, id)

    async def standing(self, owner: UUID, id: UUID, left: Standing) -> SessionView:
        """A checkout as a refused completion left it, without reading it again."""
        body, assessment, listings = await self.assess((id, owner), left.body, self._means.clock.now())
        state = _state(assessment)
        kind = SessionKind.CHECKOUT
        return SessionView(id, owner, kind, state, left.version, body, assessment, listings, left.expires_at)

    async def identify(self, owner: UUID, kind: SessionKind, id: UUID, identity: UUID) -> SessionView:
        await self.get(owner, kind, id)
        async with self._means.database.transaction() as tx:
            await store.identify(tx, id, identity)
        return await self.get(owner, kind, id)

    async def proven(self, owner: UUID, kind: SessionKind, id: UUID) -> UUID | None:
        await self.get(owner, kind, id)
        async with self._means.database.read() as connection:
            return (await store.identities(connection, [id])).get(id)

    async def entitle(self, owner: UUID, kind: SessionKind, id: UUID, entitled: Entitled) -> SessionView:
        view = await self.get(owner, kind, id)
        if view.body.entitled == entitled:
            return view
        body = msgspec.structs.replace(view.body, entitled=entitled)
        return await self._put((owner, kind, id), body, view.version)

    async def assess(
        self, session: tuple[UUID, UUID], body: SessionBody, now: datetime
    ) -> tuple[SessionBody, Assessment, Mapping[UUID, Listing]]:
        """Price the body of a session (id, owner) with the current book, and as scarce offers stand; it comes back
        knowing the total that is now shown."""
        listings = await self._means.catalog.listings({line.variant for line in body.lines})
        deliveries = self.deliveries(body, listings)
        known = known_with(await self._means.knowing.of(session[1], now, body.visitor), body.seat, body.entitled)
        body = msgspec.structs.replace(body, known=known)
        shopper = shopper_of(session[1], body)
        assessment = assess(body, listings, deliveries, self._means.books.current(), shopper, now)
        assessment = await note_gone(self._means, body, listings, assessment)
        assessment = await look(self._means, session, body, assessment, shopper, now)
        seen = msgspec.structs.replace(body, seen_total=assessment.quote.total)
        return seen, assessment, listings

    def prepared(
        self, owner: UUID, kind: SessionKind, body: SessionBody, listings: Mapping[UUID, Listing], now: datetime
    ) -> bytes | None:
        """The order that would come of a checkout, so that its completion has only to look whether it still holds."""
        if kind is not SessionKind.CHECKOUT:
            return None
        terms = self._means.terms(self._means.books.current())
        return prepare(body, listings, shopper_of(owner, body), terms, now)

    def deliveries(
        self, body: SessionBody, listings: Mapping[UUID, Listing]
    ) -> Mapping[UUID, Sequence[DeliveryOption]]:
        """Each merchant's delivery options to the body's destination; none before there is one."""
        if body.destination is None:
            return {}
        variants = [line.variant for line in body.lines]
        country, options = body.destination.country, self._means.deliveries.options
        return deliveries_of(variants, listings, country, body.currency, options)

    async def _from_cart(self, owner: UUID, wanted: SessionInput, cart: UUID) -> SessionInput:
        """A session made from a cart takes the cart's lines, buyer and codes, whatever the request says of them."""
        view = await self.get(owner, SessionKind.CART, cart)
        lines = tuple(LineInput(line.variant, line.quantity, line.id) for line in view.body.lines)
        return msgspec.structs.replace(
            wanted,
            lines=lines,
            currency=view.body.currency,
            contact=view.body.contact or wanted.contact,
            codes=view.body.codes or wanted.codes,
            declined=view.body.declined or wanted.declined,
            visitor=view.body.visitor or wanted.visitor,
        )

    async def _write(self, tx: Connection, items: Sequence[Write]) -> Sequence[bool | Problem]:
        """Apply writes as sets. Returns for each whether it changed something; a repeat of a Make returns False."""
        makes = {item.id: item for item in reversed(items) if isinstance(item, Make)}
        new: set[UUID] = set()
        if makes:
            new = await store.insert_sessions(
                tx,
                [
                    (m.id, m.owner, m.kind, m.state, m.request, m.body, m.at, m.expires_at, m.prepared)
                    for m in sorted(makes.values(), key=lambda make: make.id)
                ],
            )
        known = [id for id in makes if id not in new]
        prints = {id: makes[id].request for id in new}
        prints.update(await store.requests(tx, known) if known else {})
        locked: dict[UUID, Record] = {}
        changed = {id for item in items if not isinstance(item, Make) for id in _touched(item)}
        if changed:
            locked = {record["id"]: record for record in await store.lock_sessions(tx, changed)}
        outcomes: list[bool | Problem] = []
        versions = {id: record["version"] for id, record in locked.items()}
        bodies: dict[UUID, store.NewBody] = {}
        marks = Marks(locked, self._means.clock.now())
        await marks.look(tx, [(item.id, item.mark) for item in items if isinstance(item, Replace | Cancel)])
        cancelled: set[UUID] = set()
        for item in items:
            match item:
                case Make():
                    outcomes.append(_made(item, new, prints))
                case Replace() | Cancel() if (before := _before(item, locked, marks)) is not None:
                    outcomes.append(before)
                case _ if (refusal := _first_refusal(item, locked, versions, cancelled)) is not None:
                    outcomes.append(refusal)
                case Replace() | ReplaceBoth():
                    for one in [item] if isinstance(item, Replace) else [item.one, item.other]:
                        versions[one.id] += 1
                        body = marks.mark(one.id, one.body, one.mark)
                        bodies[one.id] = (one.id, one.state, store.PACK.encode(body), one.expires_at, one.prepared)
                    outcomes.append(True)
                case Cancel():
                    cancelled.add(item.id)
                    if item.mark:
                        body = store.PACK.encode(marks.mark(item.id, marks.body(item.id), item.mark))
                        ends = locked[item.id]["expires_at"]
                        bodies[item.id] = (item.id, SessionState.CANCELLED, body, ends, None)
                    outcomes.append(True)
        if bodies:
            await store.write_bodies(tx, list(bodies.values()))
            await marks.write(tx)
        if cancelled:
            await store.mark_sessions(tx, list(cancelled), SessionState.CANCELLED)
        return outcomes


def _state(assessment: Assessment) -> SessionState:
    return SessionState.READY if assessment.ready else SessionState.INCOMPLETE


def _made(item: Make, new: set[UUID], prints: Mapping[UUID, bytes]) -> bool | Problem:
    if item.id in new:
        new.discard(item.id)
        return True
    if prints.get(item.id, item.request) != item.request:
        return KeyReused(REUSED)
    return False


def _before(item: Replace | Cancel, locked: Mapping[UUID, Record], marks: Marks) -> bool | Problem | None:
    """What a request that came before is answered: False, nothing changed, or that its key came with another body."""
    record = locked.get(item.id)
    if not item.mark or record is None or record["owner"] != item.owner or record["kind"] != item.kind:
        return None
    match marks.wrote(item.id, item.mark):
        case None:
            return KeyReused(REUSED)
        case True:
            return False
        case False:
            return None


def _touched(item: Replace | ReplaceBoth | Cancel) -> tuple[UUID, ...]:
    return (item.one.id, item.other.id) if isinstance(item, ReplaceBoth) else (item.id,)


def _first_refusal(
    item: Replace | ReplaceBoth | Cancel,
    locked: Mapping[UUID, Record],
    versions: Mapping[UUID, int],
    cancelled: set[UUID],
) -> Problem | None:
    parts = (item.one, item.other) if isinstance(item, ReplaceBoth) else (item,)
    refusals = (_refusal(part, locked.get(part.id), versions, cancelled) for part in parts)
    return next((refusal for refusal in refusals if refusal is not None), None)


def _refusal(
    item: Replace | Cancel, record: Record | None, versions: Mapping[UUID, int], cancelled: set[UUID]
) -> Problem | None:
    if record is None or record["owner"] != item.owner or record["kind"] != item.kind:
        return SessionNotFound("There is no such cart or checkout, or it belongs to someone else.", field="id")
    if record["state"] not in OPEN_STATES or item.id in cancelled:
        return SessionClosed("This checkout is already completed, cancelled or being paid; start a new one.")
    if isinstance(item, Replace):
        if record["expires_at"] < item.at:
            return SessionClosed("This checkout has expired; start a new one.")
        if item.if_version is not None and versions[item.id] != item.if_version:
            return SessionBusy("Someone changed this cart in between; read it again and repeat.")
    return None
