"""Joint offers on the database: proposed, answered, approved as ordinary offers, ended."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Defect
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import Offer, Offers, merchants_of
from nightmarket.promotions.contract.collaborations import (
    COLLABORATION,
    MAX_REASON_LETTERS,
    Collaboration,
    CollaborationChanged,
    JointState,
    NewCollaboration,
    PartnerProposal,
    PartnerRun,
    is_as_agreed,
    joint_offer,
    joint_offer_id,
)
from nightmarket.promotions.errors import CollaborationNotFound, CollaborationRefused
from nightmarket.promotions.model.collaborations import MOVES, OPEN, JointTerms, Side, joint_flaws
from nightmarket.promotions.model.flaws import Flaw
from nightmarket.promotions.model.rules import flaws
from nightmarket.promotions.store import collaborations as store
from nightmarket.promotions.store import offers as offer_store
from nightmarket.promotions.store import switches as switch_store

MAX_OPEN = 100
"""Joint offers of one merchant that may wait for somebody's word."""

FINDINGS_LIMIT = 100
FIELDS = {"name": "name", "starts_at": "starts_at", "ends_at": "ends_at", "max_uses": "most_orders"}
"""Where a flaw of the offer stands in the terms; others belong to the price."""


class StoredCollaborations:
    """Implements `contract.collaborations.Collaborations`. Lock order: the joint offer's row, then the counter of
    books."""

    def __init__(self, catalog: Catalog, offers: Offers, facts: Facts, clock: Clock) -> None:
        self._catalog = catalog
        self._offers = offers
        self._facts = facts
        self._clock = clock

    async def propose(self, tx: Connection, new: NewCollaboration, by: str) -> Collaboration:
        known = await store.one(tx, new.id)
        if known is not None:
            return known
        if new.merchant is not None and new.merchant not in new.terms.merchants:
            raise CollaborationRefused(
                "Propose an offer in which you have a part.", field="partner", reason="not_yours"
            )
        now = self._clock.now()
        await self._check(tx, new, [*joint_flaws(new.terms, now), *_offer_flaws(new)])
        agreed = () if new.merchant is None else (new.merchant,)
        made = Collaboration(new.id, new.terms, new.merchant, JointState.PROPOSED, agreed, now, by)
        if await store.insert(tx, made):
            await self._tell(tx, made)
        return made

    async def _check(self, tx: Connection, new: NewCollaboration, found: list[Flaw]) -> None:
        """Raises CollaborationRefused with every flaw, those of the goods among them."""
        terms = new.terms
        for field, side in (("first", terms.first), ("second", terms.second)):
            if side.product is not None and not await self._sells(side):
                found.append(Flaw(f"{field}_product", "unknown", "Choose goods that this merchant has on sale."))
        if not found:
            found.extend(await self._price_flaws(terms))
        if new.merchant is not None and await store.count_open(tx, new.merchant) >= MAX_OPEN:
            found.append(Flaw("partner", "too_many", "A hundred of your joint offers wait for an answer already."))
        if found:
            listed = [msgspec.to_builtins(flaw) for flaw in found]
            raise CollaborationRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=listed)

    async def _sells(self, side: Side) -> bool:
        cards = await self._catalog.cards_of([side.product] if side.product else [])
        return any(card.merchant == side.merchant for card in cards)

    async def _price_flaws(self, terms: JointTerms) -> list[Flaw]:
        """A bundle costs less than its goods do one by one."""
        products = [side.product for side in (terms.first, terms.second) if side.product is not None]
        cards = await self._catalog.cards_of(products)
        for currency, price in terms.prices.items():
            if price >= sum(card.prices_from.get(currency, 0) for card in cards):
                text = "Both cost no more than this one by one, so it takes nothing off."
                return [Flaw("price", "above_price", text)]
        return []

    async def answer(
        self, tx: Connection, id: UUID, merchant: UUID, *, yes: bool, by: str, reason: str = ""
    ) -> Collaboration:
        found = await self._locked(tx, id, merchant)
        if found.state is not JointState.PROPOSED or (yes and merchant in found.agreed):
            done = found.state is JointState.DECLINED if not yes else merchant in found.agreed
            return _done(found, "This has been answered already.", done=done)
        if not yes:
            return await self._move(tx, found, JointState.DECLINED, by, _said(reason))
        agreed = (*found.agreed, merchant)
        found = msgspec.structs.replace(found, agreed=agreed)
        if len(agreed) < len(found.terms.merchants):
            await store.stand(tx, found)
            return found
        return await self._move(tx, found, JointState.ACCEPTED, by)

    async def withdraw(self, tx: Connection, id: UUID, merchant: UUID | None, *, by: str) -> Collaboration:
        found = await self._locked(tx, id, merchant)
        if found.merchant != merchant:
            raise CollaborationRefused("Only who proposed it may withdraw it.", field="state", reason="not_yours")
        if found.state not in OPEN:
            return _done(found, "It is too late to withdraw this.", done=found.state is JointState.WITHDRAWN)
        return await self._move(tx, found, JointState.WITHDRAWN, by)

    async def decide(self, tx: Connection, id: UUID, *, yes: bool, by: str, reason: str = "") -> Collaboration:
        found = await self._locked(tx, id, None)
        state = JointState.PUBLISHED if yes else JointState.REFUSED
        if found.state is not JointState.ACCEPTED:
            return _done(found, "Decide when both merchants have accepted.", done=found.state is state)
        if not yes:
            return await self._move(tx, found, state, by, _said(reason))
        now = self._clock.now()
        if found.terms.ends_at <= now:
            raise CollaborationRefused("Its time is over; refuse it.", field="ends_at", reason="past")
        moved = await self._move(tx, found, state, by)
        await self._offers.publish(tx, [joint_offer(id, found.terms)], now)
        return moved

    async def end(self, tx: Connection, id: UUID, merchant: UUID | None, *, by: str) -> Collaboration:
        found = await self._locked(tx, id, merchant)
        if found.state is not JointState.PUBLISHED:
            return _done(found, "Only what is published can be ended.", done=found.state is JointState.ENDED)
        offer = joint_offer_id(id)
        moved = await self._move(tx, found, JointState.ENDED, by)
        await switch_store.put_back(tx, [offer])  # a switch that took it out must not bring it back
        standing = (await offer_store.standings(tx, [offer])).get(offer)
        if standing is not None and standing.live:
            await self._offers.retire(tx, [offer], self._clock.now())
        return moved

    async def one(self, connection: Connection, id: UUID, merchant: UUID | None = None) -> Collaboration:
        found = await store.one(connection, id, merchant)
        if found is None:
            raise _unknown()
        return found

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Collaboration]:
        return await store.all_of(connection, merchant)

    async def keep_partners(self, tx: Connection, proposals: Sequence[PartnerProposal], run: PartnerRun) -> None:
        await store.replace_partners(tx, proposals, run)

    async def partners(self, connection: Connection, merchant: UUID | None = None) -> Sequence[PartnerProposal]:
        return await store.partners(connection, merchant)

    async def last_run(self, connection: Connection) -> PartnerRun | None:
        return await store.last_run(connection)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        found: list[Finding] = []
        shared = {offer.id: offer for offer in await store.shared_offers(connection)}
        joint = {id: offer for id, offer in shared.items() if len(merchants_of(offer)) > 1}
        agreed = await store.agreed(connection, list(joint))
        for id, offer in shared.items():
            total = sum(one.basis_points for one in offer.funding)
            if total != 10_000:
                found.append(Finding("an offer's funders pay all of it", encode("off", id), "10000", str(total)))
        found.extend(_unlike(joint, agreed))
        return found[:FINDINGS_LIMIT]

    async def _locked(self, tx: Connection, id: UUID, merchant: UUID | None) -> Collaboration:
        found = await store.one(tx, id, merchant, lock=True)
        if found is None:
            raise _unknown()
        return found

    async def _move(
        self, tx: Connection, found: Collaboration, state: JointState, by: str, reason: str = ""
    ) -> Collaboration:
        if state not in MOVES[found.state]:
            raise Defect(f"a joint offer that is {found.state} cannot become {state}")
        moved = msgspec.structs.replace(found, state=state, decided_at=self._clock.now(), decided_by=by, reason=reason)
        await store.stand(tx, moved)
        await self._tell(tx, moved)
        return moved

    async def _tell(self, tx: Connection, one: Collaboration) -> None:
        first, second = one.terms.merchants
        fact = CollaborationChanged(one.id, first, second, one.state.value)
        await self._facts.append(tx, [fact], self._clock.now())


def _offer_flaws(new: NewCollaboration) -> list[Flaw]:
    """What is wrong with the offer that it would become, beside the fields of the form."""
    return [
        Flaw(FIELDS.get(flaw.field.partition(".")[0], "price"), flaw.reason, flaw.detail)
        for flaw in flaws(joint_offer(new.id, new.terms))
        if flaw.field != "funding"
    ]


def _unlike(joint: Mapping[UUID, Offer], agreed: Mapping[UUID, Collaboration]) -> list[Finding]:
    """Published offers of several merchants that are not what these agreed on."""
    found: list[Finding] = []
    for id, offer in joint.items():
        word = agreed.get(id)
        if word is None:
            found.append(Finding("who pays for another's goods has agreed", encode("off", id), "agreed", "nobody did"))
        elif not is_as_agreed(word, offer):
            ident = encode(COLLABORATION, word.id)
            found.append(Finding("a joint offer is what was agreed", ident, "as agreed", "otherwise"))
    return found


def _done(found: Collaboration, text: str, *, done: bool) -> Collaboration:
    """A repeat finds it done; anything else is too late."""
    if not done:
        raise CollaborationRefused(text, field="state", reason="past")
    return found


def _said(reason: str) -> str:
    """A no with its reason."""
    text = reason.strip()
    if not 3 <= len(text) <= MAX_REASON_LETTERS or not text.isprintable():
        raise CollaborationRefused("Say in 3 to 300 letters why.", field="reason", reason="missing")
    return text


def _unknown() -> CollaborationNotFound:
    return CollaborationNotFound("There is no such joint offer.", field="id")
