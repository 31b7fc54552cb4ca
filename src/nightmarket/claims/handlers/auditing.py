"""The audit of other shops' claims: each row against the claim of the tallies that it stands for."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.claims import store
from nightmarket.claims.contract import Finding
from nightmarket.claims.model import ClaimView
from nightmarket.platform.audit_pages import page_by_page
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import ClaimState, Part

from .means import Means


class ClaimAudit:
    """Reads every claim."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def run(self) -> Sequence[Finding]:
        return await page_by_page(self._means.database, self._look)

    async def _look(self, connection: Connection, after: UUID, limit: int) -> tuple[Sequence[Finding], UUID | None]:
        rows = await store.page(connection, after, limit)
        if not rows:
            return (), None
        ids = [claim.id for claim, _ in rows]
        states = await self._means.tallies.states(connection, ids)
        parts = await self._means.tallies.parts(connection, ids)
        found = [one for claim, units in rows for one in check(claim, units, states, parts.get(claim.id, ()))]
        return found, ids[-1]


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
