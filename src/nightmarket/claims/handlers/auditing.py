"""The audit of other shops' claims: each row against the claim of the tallies that it stands for."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.claims import store
from nightmarket.claims.contract import Finding
from nightmarket.claims.model import ClaimView
from nightmarket.tally.contract import ClaimState, Part

from .means import Means

PAGE = 2_000
FINDINGS_LIMIT = 1_000


class ClaimAudit:
    """Reads every claim in pages, each in one read-only transaction, so that each page is one instant's truth."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def run(self) -> Sequence[Finding]:
        findings: list[Finding] = []
        after = UUID(int=0)
        while len(findings) < FINDINGS_LIMIT:
            async with (
                self._means.database.read() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                rows = await store.page(connection, after, PAGE)
                if not rows:
                    return findings
                ids = [claim.id for claim, _ in rows]
                states = await self._means.tallies.states(connection, ids)
                parts = await self._means.tallies.parts(connection, ids)
            for claim, units in rows:
                findings.extend(check(claim, units, states, parts.get(claim.id, ())))
            after = ids[-1]
        return findings


def check(claim: ClaimView, units: int, states: Mapping[UUID, ClaimState], parts: Sequence[Part]) -> list[Finding]:
    """What is off with one claim."""
    row = f"claim {claim.id}"
    findings: list[Finding] = []
    state = states.get(claim.id)
    if state is not claim.state:
        found = state.name if state else "no claim"
        findings.append(Finding("another shop's claim agrees with its tallies", row, claim.state.name, found))
    counted = {claim.units, units, sum(part.quantity for part in parts)}
    if state is not None and len(counted) > 1:
        told = f"{sum(part.quantity for part in parts)} units of tallies"
        findings.append(Finding("another shop's claim takes what its lines say", row, f"{claim.units} units", told))
    if claim.state is ClaimState.LAPSED and (claim.ended_at is None or claim.ended_at < claim.deadline):
        findings.append(Finding("a claim lapses after its deadline", row, str(claim.deadline), str(claim.ended_at)))
    return findings
