"""Orders that wallet money pays whole: nobody is asked, as there is nothing left to be asked for."""

from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome

from .transfers import BankTransfers


class WalletAlone(BankTransfers):
    """Implements `contract.Provider` without a memory, as bank transfers do: approves zero, and declines the rest. The
    lots themselves are held by the order's claim."""

    def __init__(self, name: str = "wallet") -> None:
        super().__init__(name)

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        """Approved where no other money is needed."""
        key, amount, currency = request.key, request.amount, request.currency
        if amount:
            return Authorisation(key, Outcome.DECLINED, key, amount, currency, "insufficient_funds")
        return Authorisation(key, Outcome.APPROVED, key, amount, currency)
