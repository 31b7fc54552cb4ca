"""Who buys, where something is limited per buyer, and what is left of it for a session before it is completed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.orders import store
from nightmarket.orders.contract import SessionView
from nightmarket.orders.errors import IdentityNeeded, LimitReached
from nightmarket.orders.model.limiting import IDENTITY_NEEDED, by_tally, limit_notices, limit_text, refused_offers
from nightmarket.orders.model.session import Assessment, Notice, SessionBody, counted_under
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import (
    Demand,
    Offer,
    Shopper,
    Want,
    buyer_caps,
    counts,
    demand,
    price,
    shares_asked,
    units_left,
)

from .means import Means
from .sourcing import aside_of

CONFIRM_PATH = "/confirm"
"""The page on which a guest proves an address."""

STRANGER = (UUID(int=0),)
"""Who has not said who they are has had nothing yet; more than anybody may have is too much for them, too."""

SOLD_OUT = "This is sold out. Remove it to order the rest."


async def buyer_keys(
    means: Means, connection: Connection, sessions: Mapping[UUID, UUID]
) -> Mapping[UUID, tuple[UUID, ...]]:
    """Under which keys the owners of these sessions (session: owner) are counted; absent where nobody knows who it is.

    An account counts by its id and by its e-mail's key, so that no guest with the same address begins anew.
    """
    accounts = await means.buyers.of_accounts(connection, list(set(sessions.values())))
    keys = {session: (owner, accounts[owner]) for session, owner in sessions.items() if owner in accounts}
    others = [session for session in sessions if session not in keys]
    proven = await store.identities(connection, others) if others else {}
    return keys | {session: (identity,) for session, identity in proven.items()}


async def note_gone(
    means: Means, body: SessionBody, listings: Mapping[UUID, Listing], assessment: Assessment
) -> Assessment:
    """Say which lines are sold out; the database is asked only about what this process believes to be gone."""
    aside = aside_of(body.known, assessment.quote)
    notices = [
        Notice("out_of_stock", SOLD_OUT, f"$.line_items[{place}]")
        for place, line in enumerate(body.lines)
        if line.quantity > aside.get(line.id, 0)
        and (listing := listings.get(line.variant)) is not None
        and await means.gone.still_gone([lot.tally for lot in listing.stock])
    ]
    if not notices:
        return assessment
    return msgspec.structs.replace(assessment, notices=(*assessment.notices, *notices))


async def look(
    means: Means, session: tuple[UUID, UUID], body: SessionBody, assessment: Assessment, shopper: Shopper, now: datetime
) -> Assessment:
    """The assessment of a session (id, owner) as its scarce offers stand: those that have nothing left for this buyer
    are left out of the price, and what is limited is said. Takes no lock, so that the claim decides in the end."""
    book = means.books.current()
    if not counts(book):
        return assessment
    cart, quote = assessment.cart, assessment.quote
    first = demand(quote, cart, book, now, ())
    limited = buyer_caps(cart, book, shopper, now)
    if not first.wants and not limited:
        return assessment
    async with means.database.read() as connection:
        keys = (await buyer_keys(means, connection, dict([session]))).get(session[0], ()) if limited else ()
        keys = counted_under(keys, body.entitled) if limited else keys
        while True:
            wanted = demand(quote, cart, book, now, keys or STRANGER)
            free = await _free(means, connection, wanted)
            refused = refused_offers(wanted, free)
            if not refused:
                break
            cart = msgspec.structs.replace(cart, without=cart.without | refused.keys(), refused=cart.refused | refused)
            quote = price(cart, book, shopper, now)
    notices: Sequence[Notice] = limit_notices(wanted, free, body.lines, known=bool(keys))
    return msgspec.structs.replace(assessment, quote=quote, cart=cart, notices=(*assessment.notices, *notices))


async def _free(means: Means, connection: Connection, wanted: Demand) -> dict[UUID, int]:
    """What is left of each tally; a buyer's that was never needed has all of it, and one that was opened before its
    limit was changed has what is left of the limit as it is now."""
    levels = await means.tallies.levels(connection, by_tally(wanted))
    most = {want.tally: want.most for want in wanted.wants if want.most}
    changed = [tally for tally, units in most.items() if tally in levels and levels[tally].capacity != units]
    returned = await means.tallies.returned(connection, changed) if changed else dict[UUID, int]()
    free = {tally: level.available for tally, level in levels.items()}
    for tally in changed:
        level = levels[tally]
        free[tally] = max(0, most[tally] + returned.get(tally, 0) - level.held - level.spent)
    return {want.tally: free.get(want.tally, want.most) for want in wanted.wants}


async def shares_left(
    means: Means, view: SessionView, offers: Sequence[Offer], person: UUID | None
) -> Mapping[UUID, int]:
    """Of these offers, how many units this session's buyer may still have at their price, where they have a share in
    units; all of it for somebody whom nobody knows yet. `person` is the key of an address that was proven elsewhere
    than for this session."""
    async with means.database.read() as connection:
        keys = (await buyer_keys(means, connection, {view.id: view.owner})).get(view.id, ())
        keys = keys or ((person,) if person is not None else ())
        buyers = counted_under(keys, view.body.entitled) or STRANGER
        return units_left(offers, buyers, await _free(means, connection, shares_asked(offers, buyers)))


def identity_needed() -> IdentityNeeded:
    return IdentityNeeded(IDENTITY_NEEDED, field="buyer", confirm=CONFIRM_PATH)


def limit_reached(want: Want, left: int) -> LimitReached:
    """The refusal of an order that asks for more than its buyer may have."""
    return LimitReached(
        limit_text(want.most, left), field="line_items", most=want.most, left=left, lines=list(want.lines)
    )
