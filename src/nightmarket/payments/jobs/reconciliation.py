"""How did it end? Asks providers about attempts of which we never heard the answer."""

import asyncio
from collections.abc import Mapping, Sequence

from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.payments.contract import Answer, Outcome, Provider, Question, Verdict

QUESTIONS_LIMIT = 500
ASK_LIMIT = 50
ASK_SECONDS = 10.0

VERDICTS = {
    Outcome.APPROVED: Verdict.APPROVED,
    Outcome.DECLINED: Verdict.DECLINED,
    Outcome.PENDING: Verdict.PENDING,
}


class ProviderReconciliation:
    """Implements `contract.Reconciliation`."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    async def reconcile(self, questions: Sequence[Question]) -> Sequence[Answer]:
        if len(questions) > QUESTIONS_LIMIT:
            raise InvalidInput(
                f"Ask about {QUESTIONS_LIMIT} attempts at once, not {len(questions)}.", field="questions"
            )
        asking = asyncio.Semaphore(ASK_LIMIT)
        return await asyncio.gather(*(self._ask(question, asking) for question in questions))

    async def _ask(self, question: Question, asking: asyncio.Semaphore) -> Answer:
        provider = self._providers.get(question.provider)
        if provider is None:
            return Answer(question, Verdict.UNKNOWN)
        try:
            async with asking, asyncio.timeout(ASK_SECONDS):
                found = await provider.find(question.key)
        except (Unavailable, TimeoutError):
            return Answer(question, Verdict.UNKNOWN)
        if found is None:
            return Answer(question, Verdict.ABSENT)
        return Answer(question, VERDICTS[found.outcome], found)
