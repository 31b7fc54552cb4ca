"""The batch in which other shops' claims are made: all or nothing per claim, in order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.claims import store
from nightmarket.claims.contract import ClaimsMade, Make
from nightmarket.claims.errors import ItemUnknown, KeyReused, NotEnoughLeft
from nightmarket.claims.model import ClaimView, What, deadline, parts_of, request_of, short_lines
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import ClaimState, Grant, Ledger, SlicesShort, TallyEmptied

from .means import Means


class MakeBatch:
    """Makes claims, up to a batch at a time."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.lane: GroupCommit[Make, ClaimView] = means.lane("outside-claims", self._work)

    async def _work(self, tx: Connection, items: Sequence[Make]) -> Sequence[ClaimView | Problem]:
        means = self._means
        now = means.clock.now()
        # First the locks: a twin of an item in another process has committed then, and is found, before this one would
        # be refused because of what its twin holds.
        wanted = {tally for item in items for one in item.wanted for tally in one.tallies}
        shares = {tally: one.most for item in items for one in item.wanted if one.most for tally in one.tallies}
        await means.tallies.open_limits(tx, shares, now)
        ledger = await means.tallies.lock(tx, wanted)
        await means.tallies.fit_limits(tx, ledger, shares)
        found: dict[UUID, ClaimView | Problem] = dict(await store.read(tx, list({item.id for item in items})))
        new = {item.id: item for item in reversed(items) if item.id not in found}
        if new:
            made: list[ClaimView] = []
            for item in items:
                if new.pop(item.id, None) is None:
                    continue
                try:
                    outcome = _grant(item, ledger, now)
                except SlicesShort as short:
                    raise means.tallies.again(short) from short
                found[item.id] = outcome
                if isinstance(outcome, ClaimView):
                    made.append(outcome)
            if made:
                await store.insert(tx, made)
                await means.tallies.write(tx, ledger, now)
                await means.facts.append(tx, [_fact(claim) for claim in made], now)
                goods = {t for i in items for one in i.wanted if one.line.what is What.GOODS for t in one.tallies}
                gone = [TallyEmptied(tally) for tally in ledger.emptied() if tally in goods]
                await means.facts.append(tx, gone, now)
        return [_answer(item, found[item.id]) for item in items]


def _grant(item: Make, ledger: Ledger, now: datetime) -> ClaimView | Problem:
    for number, one in enumerate(item.wanted):
        if not any(ledger.knows(tally) for tally in one.tallies):
            return ItemUnknown(
                f"Nothing called {one.line.name!r} is counted here; say what stock there is with PUT /stock first.",
                field=f"lines[{number}]",
            )
    until = deadline(now, item.hold_seconds)
    parts, short = parts_of(item.wanted, ledger)
    if not short:
        result = ledger.claim(request_of(item.id, parts, until))
        if isinstance(result, Grant):
            return ClaimView(
                id=item.id,
                client=item.owner.client,
                merchant=item.owner.merchant,
                reference=item.reference,
                request=item.request,
                state=ClaimState.HELD,
                deadline=until,
                made_at=now,
                ended_at=None,
                lines=tuple(one.line for one in item.wanted),
            )
        short = short_lines(item.wanted, result.short)
    first = min(short)
    text = "Fewer units are left than you want." if any(short.values()) else "This is sold out."
    return NotEnoughLeft(
        f"{text} Nothing was held.", field=f"lines[{first}]", lines={str(line): left for line, left in short.items()}
    )


def _answer(item: Make, outcome: ClaimView | Problem) -> ClaimView | Problem:
    if isinstance(outcome, ClaimView) and outcome.request != item.request:
        return KeyReused("This idempotency key came with another claim before; use a new key for a new claim.")
    return outcome


def _fact(claim: ClaimView) -> ClaimsMade:
    return ClaimsMade(claim.id, claim.client, claim.reference, claim.deadline, claim.lines)
