"""Orders that wallet money pays whole: nobody is asked, as there is nothing left to be asked for."""

from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome


class WalletAlone:
    """Implements `contract.Provider` without a memory: approves nothing, in the sense of zero, and declines the rest.
    The lots themselves are held by the order's claim."""

    def __init__(self, name: str = "wallet") -> None:
        self.name = name

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        """Approved where no other money is needed."""
        key, amount, currency = request.key, request.amount, request.currency
        if amount:
            return Authorisation(key, Outcome.DECLINED, key, amount, currency, "insufficient_funds")
        return Authorisation(key, Outcome.APPROVED, key, amount, currency)

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def void(self, reference: str, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def find(self, key: str) -> Authorisation | None:  # noqa: ARG002
        return None
