"""Bank transfers: nobody to ask. A person saw the money arrive, and a person sends it back."""

from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome


class BankTransfers:
    """Implements `contract.Provider` without a memory: what is marked as seen has arrived, so taking it and giving it
    back always succeed. The reference is the line of the bank's statement."""

    def __init__(self, name: str = "transfer") -> None:
        self.name = name

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        """The money is awaited."""
        return Authorisation(request.key, Outcome.PENDING, "", request.amount, request.currency)

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def void(self, reference: str, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:  # noqa: ARG002
        return Outcome.APPROVED

    async def find(self, key: str) -> Authorisation | None:  # noqa: ARG002
        return None
