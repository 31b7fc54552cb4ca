"""The bank beyond our walls: the test provider, which at times nobody can reach."""

from nightmarket.kernel.problems import Unavailable
from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome, Provider


class Bank:
    """A provider behind a line that can be cut for reserving and asking; capturing goes over another line."""

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self.outage = False
        self._provider = provider

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        self._check()
        return await self._provider.authorise(request)

    async def find(self, key: str) -> Authorisation | None:
        self._check()
        return await self._provider.find(key)

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._provider.capture(reference, amount, key)

    async def void(self, reference: str, key: str) -> Outcome:
        return await self._provider.void(reference, key)

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._provider.refund(reference, amount, key)

    def _check(self) -> None:
        if self.outage:
            raise Unavailable("The bank cannot be reached.")
