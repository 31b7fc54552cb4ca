"""Every draw recomputed: the seed fits its hash, the list its hash, the winners the seed, the prizes their tallies."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.kernel.lots import fingerprint
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract.draws import DRAW, DRAW_TICKET, Draw, draw_budget_tally, prize_tally
from nightmarket.promotions.model.draws import draw_key, list_hash, result
from nightmarket.promotions.store import draws as store
from nightmarket.tally.contract import Level, Tallies

FINDINGS_LIMIT = 100
NONE = Level(0, 0, 0)


async def audit(connection: Connection, tallies: Tallies) -> list[Finding]:
    """What is off, at most FINDINGS_LIMIT rows."""
    found = [
        Finding(
            "a ticket is taken between opening and closing", encode(DRAW_TICKET, ticket), encode(DRAW, draw), "late"
        )
        for draw, ticket in await store.late_tickets(connection)
    ]
    for id in await store.all_draws(connection):
        draw = await store.one(connection, id)
        if draw is None:
            continue
        found += list(_promised(draw))
        if draw.list_hash:
            found += await _drawn(connection, draw)
        given = await store.given_by_prize(connection, id)
        wanted = [draw_budget_tally(id), *(prize_tally(id, prize.key) for prize in draw.terms.prizes)]
        found += list(_spent(draw, given, await tallies.levels(connection, wanted)))
    return found[:FINDINGS_LIMIT]


def _promised(draw: Draw) -> Iterator[Finding]:
    if fingerprint(draw.seed) != draw.seed_hash:
        computed = fingerprint(draw.seed).hex()
        yield Finding(
            "the seed fits the hash that was published", encode(DRAW, draw.id), draw.seed_hash.hex(), computed
        )


async def _drawn(connection: Connection, draw: Draw) -> list[Finding]:
    ident, found = encode(DRAW, draw.id), list[Finding]()
    tickets: list[UUID] = []
    after: UUID | None = UUID(int=0)
    while after is not None:
        page = await store.page_of_ids(connection, draw.id, after)
        tickets.extend(page)
        after = page[-1] if len(page) == store.PAGE else None
    hashed = list_hash(tickets)
    if hashed != draw.list_hash or len(tickets) != draw.tickets:
        expected = f"{draw.tickets} tickets, {draw.list_hash.hex()}"
        found.append(Finding("the list is what was closed", ident, expected, f"{len(tickets)} tickets, {hashed.hex()}"))
    if draw.is_drawn:
        key = draw_key(draw.seed, hashed, draw.terms_hash, draw.beacon_value)
        should = result(key, tickets, draw.terms.prizes)
        stored = await store.winners(connection, draw.id, 0, draw.terms.units + 1)
        if [(one.ticket, one.prize) for one in stored] != should:
            rule = "the winners follow from seed, list and terms"
            found.append(Finding(rule, ident, f"{len(should)} winners", f"{len(stored)} others"))
    return found


def _spent(draw: Draw, given: Mapping[str, int], levels: Mapping[UUID, Level]) -> Iterator[Finding]:
    ident = encode(DRAW, draw.id)
    worth = 0
    for prize in draw.terms.prizes:
        amount = given.get(prize.key, 0)
        worth += amount * prize.value
        level = levels.get(prize_tally(draw.id, prize.key), NONE)
        if (level.capacity, level.spent) != (prize.units, amount):
            expected = f"{amount} of {prize.units} given"
            yield Finding(
                "prizes given are what their tally spent",
                f"{ident} {prize.key}",
                expected,
                f"{level.spent} of {level.capacity}",
            )
    budget = levels.get(draw_budget_tally(draw.id), NONE)
    if (budget.capacity, budget.spent) != (draw.terms.budget, worth):
        found = f"{budget.spent} of {budget.capacity}"
        yield Finding("the budget spent is what the prizes are worth", ident, f"{worth} of {draw.terms.budget}", found)
    if sum(given.values()) != draw.given:
        yield Finding("the prizes given are counted", ident, str(sum(given.values())), str(draw.given))
