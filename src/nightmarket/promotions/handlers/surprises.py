"""Surprise prices are fixed, booked, told and revealed. No offer with the price is in any book before its time."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import derive, encode
from nightmarket.platform.access import account_emails
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Condition, Offer
from nightmarket.promotions.contract.surprises import (
    SURPRISE,
    NewSurprise,
    Surprise,
    SurpriseBooking,
    SurpriseChanged,
    SurpriseState,
    entitlement_of,
    opening,
)
from nightmarket.promotions.errors import OfferRefused, SurpriseNotFound, SurpriseRefused, TooManyOffers
from nightmarket.promotions.model.effects import FixedPrice
from nightmarket.promotions.model.surprises import SALT_BYTES, commitment_of, surprise_flaws
from nightmarket.promotions.store import offers as offer_store
from nightmarket.promotions.store import surprises as store

from .counting import Counted
from .draw_steps import DrawMeans
from .surprise_letters import Telling, told_mail

TOLD_AT_ONCE = 200
"""People who are written to in one transaction."""

CODE_LETTERS = 12
FINDINGS_LIMIT = 100

log = structlog.get_logger(__name__)
NAME = {"en": "Surprise price", "de": "Überraschungspreis", "it": "Prezzo a sorpresa", "zh": "惊喜价"}


class StoredSurprises:
    """Implements `contract.surprises.Surprises`. The price becomes an offer of the book at its reveal, not before:
    whatever reads the book, such as an announcement of what will be cheaper, cannot tell what is not in it."""

    def __init__(self, means: DrawMeans) -> None:
        self._means = means
        self._counted = Counted(means.clock, store.bookings)

    # what merchants do

    async def fix(self, tx: Connection, new: NewSurprise, by: str) -> Surprise:
        known = await store.one(tx, new.id)
        if known is not None:
            return known
        now, terms = self._means.clock.now(), new.terms
        found = surprise_flaws(terms, new.listed, now)
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise SurpriseRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        await store.lock_product(tx, terms.product)
        if await store.count_overlapping(tx, terms):
            raise SurpriseRefused("These goods have a surprise price at that time already.", field="reveal_at")
        salt = os.urandom(SALT_BYTES)
        commitment = commitment_of(opening(new.id, terms, salt))
        made = Surprise(new.id, terms, salt, commitment, SurpriseState.SEALED, now, by)
        if await store.insert(tx, made):
            await self._tell(tx, made, "fixed", now)
        return made

    async def withdraw(self, tx: Connection, id: UUID) -> Surprise:
        found = await store.one(tx, id, lock=True)
        if found is None:
            raise _none()
        if found.state is SurpriseState.WITHDRAWN:
            return found
        if found.state is not SurpriseState.SEALED:
            raise SurpriseRefused("It has been told already; retire its offer to end the price.", field="state")
        await store.set_state(tx, id, SurpriseState.WITHDRAWN)
        await self._tell(tx, found, "withdrawn", self._means.clock.now())
        return msgspec.structs.replace(found, state=SurpriseState.WITHDRAWN)

    # what shoppers do

    async def book(self, tx: Connection, booking: SurpriseBooking) -> None:
        found = await store.one(tx, booking.surprise)
        if found is None:
            raise _none()
        if found.is_revealed:
            raise SurpriseRefused("The price is public by now; there is nothing to book.", field="state")
        await store.book(tx, booking, self._means.clock.now())

    # what others ask

    async def one(self, connection: Connection, id: UUID) -> Surprise:
        found = await store.one(connection, id)
        if found is None:
            raise _none()
        return found

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Surprise]:
        return await store.newest(connection, merchant, limit)

    async def of_product(self, connection: Connection, product: UUID, now: datetime) -> Surprise | None:
        return await store.of_product(connection, product, now)

    async def booked(self, connection: Connection, surprises: Sequence[UUID], person: UUID) -> set[UUID]:
        return await store.booked(connection, surprises, person)

    async def words(self, connection: Connection, person: UUID) -> tuple[str, ...]:
        return tuple(sorted(entitlement_of(one) for one in await store.early(connection, person)))

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        await store.forget(tx, account, person, UUID(bytes=os.urandom(16), version=4))

    async def bookings(self, connection: Connection, surprises: Sequence[UUID]) -> Mapping[UUID, int]:
        return await self._counted.of(connection, surprises)

    # what the worker does

    async def step(self) -> int:
        now = self._means.clock.now()
        async with self._means.database.read() as connection:
            due = await store.due(connection, now)
            telling = await store.telling(connection)
        for id in due:
            try:
                await self._move(id)
            except OfferRefused as refused:
                log.warning("surprise_withdrawn", surprise=encode(SURPRISE, id), reason=refused.detail)
                await self._give_up(id)
            except TooManyOffers as full:  # goes on by itself once offers are retired, and stops nobody else's
                log.warning("surprise_waits", surprise=encode(SURPRISE, id), reason=full.detail)
        for id in telling:
            await self._write(id)
        return len(due) + len(telling)

    async def _move(self, id: UUID) -> None:
        """To those who booked, or to all: the offer and the state in one transaction."""
        means, now = self._means, self._means.clock.now()
        async with means.database.transaction() as tx:
            found = await store.one(tx, id, lock=True)
            if found is None or found.is_revealed:
                return
            if found.terms.reveal_at <= now:
                await means.offers.publish(tx, [public_offer(found)], now)
                await store.set_state(tx, id, SurpriseState.REVEALED)
                await self._tell(tx, found, "revealed", now)
            elif found.state is SurpriseState.SEALED and found.terms.early_at <= now:
                await means.offers.publish(tx, [early_offer(found)], now)
                await store.set_state(tx, id, SurpriseState.EARLY)
                await self._tell(tx, found, "early", now)

    async def _give_up(self, id: UUID) -> None:
        """The goods have changed such that the price cannot hold any more: it is opened, and never an offer."""
        async with self._means.database.transaction() as tx:
            found = await store.one(tx, id, lock=True)
            if found is not None and not found.is_revealed:
                await store.set_state(tx, id, SurpriseState.WITHDRAWN)
                await self._tell(tx, found, "withdrawn", self._means.clock.now())

    async def _write(self, id: UUID) -> None:
        """Tell some of those who booked."""
        means, now = self._means, self._means.clock.now()
        async with means.database.transaction() as tx:
            found = await store.one(tx, id)
            if found is None:
                return
            told = await store.take_untold(tx, id, TOLD_AT_ONCE, now)
            emails = await account_emails(tx, [one.account for one in told])
            telling = Telling(found, means.address)
            mails = [told_mail(telling, one, emails[one.account]) for one in told if one.account in emails]
            if mails:
                await means.outbox.send(tx, mails)

    async def _tell(self, tx: Connection, one: Surprise, what: str, now: datetime) -> None:
        await self._means.facts.append(tx, [SurpriseChanged(one.id, one.terms.product, what)], now)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Commitments that do not fit, and revealed prices whose first offer says another one."""
        found: list[Finding] = []
        last = UUID(int=0)
        while True:
            page = await store.after(connection, last)
            for one in page:
                computed = commitment_of(opening(one.id, one.terms, one.salt))
                if computed != one.commitment:
                    rule = "a surprise price fits the hash that was published"
                    found.append(Finding(rule, encode(SURPRISE, one.id), one.commitment.hex(), computed.hex()))
            revealed = {public_offer(one).id: one for one in page if one.state is SurpriseState.REVEALED}
            bodies = await offer_store.last_bodies(connection, list(revealed)) if revealed else {}
            for id, one in revealed.items():
                offer = bodies.get(id)
                expected = FixedPrice({one.terms.currency: one.terms.price})
                if offer is None or offer.effect != expected:
                    rule = "a revealed price is an offer of the book"
                    told = str(offer.effect) if offer else "no offer"
                    found.append(Finding(rule, encode(SURPRISE, one.id), str(expected), told))
            if len(page) < store.MAX_SURPRISES:
                return found[:FINDINGS_LIMIT]
            last = page[-1].id


def public_offer(surprise: Surprise) -> Offer:
    """The price as an ordinary offer, from its reveal on."""
    return _offer(surprise, "surprise_offer", surprise.terms.reveal_at, surprise.terms.ends_at)


def early_offer(surprise: Surprise) -> Offer:
    """The price for those who booked, from the early telling to the reveal."""
    needs = frozenset({entitlement_of(surprise.id)})
    return _offer(surprise, "surprise_early", surprise.terms.early_at, surprise.terms.reveal_at, needs)


def _offer(
    surprise: Surprise, kind: str, starts_at: datetime, ends_at: datetime, needs: frozenset[str] = frozenset()
) -> Offer:
    terms = surprise.terms
    return Offer(
        id=derive(kind, surprise.id),
        revision=1,
        name=NAME,
        effect=FixedPrice({terms.currency: terms.price}),
        starts_at=starts_at,
        ends_at=ends_at,
        condition=Condition(variants=frozenset(terms.variants), needs=needs),
        funder=terms.merchant,
    )


def _none() -> SurpriseNotFound:
    return SurpriseNotFound("There is no such surprise price.", field="surprise")
