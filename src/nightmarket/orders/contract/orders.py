"""Carts, checkout sessions and orders: commands and queries."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol
from uuid import UUID

from nightmarket.kernel.findings import Finding
from nightmarket.orders.model.order import OrderRow, OrderState
from nightmarket.orders.model.session import Destination, Entitled, SessionInput, SessionKind, Standing
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Offer

from .sessions import Completion, Note, NoteKind, Order, OrderReduction, PaymentInput, SessionView


class Orders(Protocol):
    """Carts, checkout sessions and orders. `owner` is the actor's id; what belongs to another is not found.

    Every refusal is a Problem of `errors.py`; Unavailable means: nothing is known, repeat with the same key.
    """

    async def create(
        self, owner: UUID, kind: SessionKind, key: str, wanted: SessionInput, *, digest: bytes | None = None
    ) -> SessionView:
        """Make a cart or session. Its id follows from owner and key: a repeat finds the first one. With `digest`
        (`Asked.body`) a repeat is known by the bytes of the request, else by what it wants."""
        ...

    async def get(self, owner: UUID, kind: SessionKind, id: UUID) -> SessionView: ...

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
        """Replace the whole of it. With `if_version`, only if nobody changed it since (else SessionBusy). With `mark`
        (`Asked.mark`) a repeat changes nothing and gets it as it stands, and the same key with another body KeyReused.
        """
        ...

    async def cancel(self, owner: UUID, kind: SessionKind, id: UUID, *, mark: bytes = b"") -> SessionView: ...

    async def standing(self, owner: UUID, id: UUID, left: Standing) -> SessionView:
        """A checkout as a refused completion left it (`CompletionRefused.standing`), without reading it again."""
        ...

    async def identify(self, owner: UUID, kind: SessionKind, id: UUID, identity: UUID) -> SessionView:
        """Note whose proven address (its key) stands behind a session of somebody without an account; limits per buyer
        are counted under it. Who proved it is the caller's check. Safe to repeat."""
        ...

    async def proven(self, owner: UUID, kind: SessionKind, id: UUID) -> UUID | None:
        """What `identify` noted."""
        ...

    async def entitle(self, owner: UUID, kind: SessionKind, id: UUID, entitled: Entitled) -> SessionView:
        """Note what its buyer is entitled to until it is replaced; the caller has checked it. Raises SessionBusy."""
        ...

    async def complete(
        self, owner: UUID, id: UUID, payment: PaymentInput, *, listed: bool = False, mark: bytes = b""
    ) -> Completion:
        """Place the order and pay it. Repeating is safe: a session becomes one order, whatever happens. With `mark`
        (`Asked.mark`) only a repeat of the same request is answered with the order; any other finds it closed.

        With `listed` it stands in its owner's list, which costs an index entry: for accounts, not for guests and
        agents."""
        ...

    async def listed(
        self,
        owner: UUID,
        *,
        state: OrderState | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> Sequence[tuple[OrderRow, ...]]:
        """The rows of each order in the owner's list, newest first, placed before the given (placed_at, id)."""
        ...

    async def hand_over(self, tx: Connection, ids: Sequence[UUID], wanted: Sequence[UUID], to: UUID) -> Sequence[UUID]:
        """Of these orders, give those that belong to one of the `wanted` owners to another, into that one's list;
        returns their ids. Who may ask is the caller's check. Safe to repeat."""
        ...

    async def merge_carts(self, owner: UUID, cart: UUID, other_owner: UUID, other: UUID) -> SessionView:
        """Move what is in the other cart into the first, in one transaction; what does not fit by the rules stays where
        it was. Safe to repeat; another cart that is closed, expired or not there counts as empty."""
        ...

    async def with_cart(self, connection: Connection, owners: Sequence[UUID]) -> AbstractSet[UUID]:
        """Of these owners, at most 500, those who have something in one of their first 16 carts (`cart_key`) that can
        still be changed."""
        ...

    async def forget_unplaced(self, owner: UUID, after: UUID, limit: int = 2_000) -> UUID | None:
        """A step through all sessions in order of id, that deletes the owner's carts and checkouts of which no order
        came; returns where it stopped, None at the end."""
        ...

    async def order(self, owner: UUID | None, id: UUID) -> Order:
        """One order, with its payments; `owner` None for staff."""
        ...

    async def latest(self, *, before: datetime | None = None, limit: int = 50) -> Sequence[OrderRow]:
        """The newest rows, for staff."""
        ...

    async def shares_left(
        self, view: SessionView, offers: Sequence[Offer], person: UUID | None = None
    ) -> Mapping[UUID, int]:
        """Of offers with a share in units, how many units a session's buyer may still have at their price; all of it
        for somebody whom nobody knows yet. `person` is the key of the address that its browser has proven."""
        ...

    async def cancel_order(self, owner: UUID | None, id: UUID, reason: str) -> Order:
        """Cancel the whole order: what it holds or took goes back, what was paid is refunded."""
        ...

    async def reduce_paid(self, tx: Connection, wanted: Sequence[OrderReduction]) -> Mapping[UUID, int]:
        """Let offers take off more of paid orders, and owe the difference to their buyers; returns what each got. An
        order that is not paid any more, or has no line with the offer, gets nothing. Each call reduces anew: it belongs
        into the transaction that decides it. One reduction of an order a call."""
        ...

    async def settle_held(self, orders: Mapping[UUID, tuple[str, str]]) -> Sequence[UUID]:
        """Settle those of these orders whose money is held; each with the first of two entitlements exchanged for the
        second, at the book and instant it was placed with: never for more. Returns those that are paid, now or before.
        Who is not to be settled is cancelled, which gives the reservation up. Safe to repeat."""
        ...

    async def mark_transferred(self, id: UUID, reference: str) -> Order:
        """Staff saw the bank transfer of a waiting order arrive."""
        ...

    async def note(self, id: UUID, notes: Sequence[Note]) -> None:
        """Append to what is reported of an order; a note whose id it has already is left as it is."""
        ...

    async def notes(self, id: UUID) -> Sequence[tuple[NoteKind, dict[str, object]]]:
        """What is reported of an order, oldest first."""
        ...

    async def known_addresses(self, email: str) -> Sequence[Destination]:
        """The addresses that `remember_addresses` was told for that e-mail address. Whoever names an address has not
        proven it, so nothing but a sample shop on one's own machine may show them."""
        ...

    async def remember_addresses(self, known: Sequence[tuple[str, Destination]]) -> None: ...

    async def sweep(self) -> int:
        """Forget idempotency keys that nobody repeats any more; returns how many."""
        ...

    async def audit(self) -> Sequence[Finding]: ...
