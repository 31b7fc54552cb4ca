"""What others may ask of wallets: make money that has a purpose and an end, see it, and pay with it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.payments.model.wallet_shares import packet_parts
from nightmarket.payments.model.wallet_spending import (
    MAX_LOTS,
    Payable,
    Purse,
    PurseLot,
    Spent,
    spend,
    spent_by_lot,
)
from nightmarket.payments.model.wallets import (
    GRACE,
    LOT,
    MAX_LISTED,
    MAX_PACKETS,
    SOURCE,
    Audience,
    MoneyFor,
    Source,
    SourceKind,
    SourceTerms,
    cashback,
)
from nightmarket.platform.database import Connection

__all__ = [
    "GRACE",
    "LOT",
    "MAX_LISTED",
    "MAX_LOTS",
    "MAX_PACKETS",
    "SOURCE",
    "AccountPages",
    "Audience",
    "CodeLimit",
    "CodeUse",
    "HeldLot",
    "MoneyFor",
    "NewSource",
    "PaidOrder",
    "Payable",
    "Purse",
    "PurseLot",
    "Source",
    "SourceFigures",
    "SourceKind",
    "SourceTerms",
    "Spent",
    "WalletEntry",
    "WalletGiven",
    "WalletSourceChanged",
    "Wallets",
    "cashback",
    "packet_parts",
    "spend",
    "spent_by_lot",
]


class WalletSourceChanged(msgspec.Struct, frozen=True):
    """Fact: a cashback campaign or red packet was made, ended, or had been sent to everybody (`what`)."""

    kind: ClassVar[str] = "payments.wallet_source_changed"
    source: UUID
    what: str


class WalletGiven(msgspec.Struct, frozen=True):
    """Fact: wallet money was given: so many minor units to one more account. Does not say whose."""

    kind: ClassVar[str] = "payments.wallet_given"
    source: UUID
    amount: int
    currency: str


class NewSource(msgspec.Struct, frozen=True):
    """A source to be made; its id comes with the form. `listed`: the accounts that a packet is sent to by list."""

    id: UUID
    terms: SourceTerms
    listed: tuple[UUID, ...] = ()


class PaidOrder(msgspec.Struct, frozen=True):
    """A paid order of an account, as cashback sees it: what its goods came to, less what the wallet paid of them."""

    order: UUID
    account: UUID
    currency: str
    placed_at: datetime
    goods: tuple[Payable, ...]


class HeldLot(msgspec.Struct, frozen=True):
    """Wallet money that an account has, or had: `available` can be spent, `reserved` waits in unpaid orders."""

    id: UUID
    account: UUID
    source: Source
    about: UUID
    amount: int
    available: int
    reserved: int
    spend_from: datetime
    spend_until: datetime
    given_at: datetime
    part: int = 0

    def purse_lot(self) -> PurseLot:
        """As an order may use it."""
        money = self.source.terms.money
        return PurseLot(self.id, self.spend_from, self.spend_until, money.categories, money.brands, money.merchants)


class WalletEntry(msgspec.Struct, frozen=True):
    """A line of an account's history, from the journal: `amount` came in (+) or went out (-). `kind` is wallet_given,
    wallet_paid, wallet_refunded, wallet_taken or wallet_expired; `about` the order, or the lot."""

    kind: str
    lot: UUID
    about: UUID
    amount: int
    currency: str
    at: datetime


class CodeLimit(msgspec.Struct, frozen=True):
    """The most that a wallet code may spend, in minor units; of another currency it spends nothing."""

    most: int
    currency: str


class CodeUse(msgspec.Struct, frozen=True):
    """Whose wallet a code opens, and up to what; without a limit, all that is in it."""

    account: UUID
    limit: CodeLimit | None


class SourceFigures(msgspec.Struct, frozen=True):
    """What a source has given: of its budget, to how many accounts, how much of it waits for its day to be credited."""

    given: int
    accounts: int
    waiting: int
    spent: int


class AccountPages(Protocol):
    """Port: shoppers' accounts, for packets that go to all and for mails."""

    async def after(self, connection: Connection, account: UUID, limit: int) -> Sequence[tuple[UUID, bool]]:
        """The next accounts in order of id, each with whether it is a shopper's that is open."""
        ...

    async def addresses(self, connection: Connection, accounts: Sequence[UUID]) -> Mapping[UUID, tuple[str, str]]:
        """The e-mail address and the language of each that is open."""
        ...


class Wallets(Protocol):
    """Wallet money. All that takes `tx` belongs to the caller's transaction; `step` makes its own."""

    async def make(self, tx: Connection, new: NewSource, by: str) -> Source:
        """Check it, note it, open its budget. Safe to repeat. Raises WalletRefused."""
        ...

    async def end(self, tx: Connection, id: UUID) -> Source:
        """Give nothing any more; what was given stays. Safe to repeat. Raises WalletNotFound."""
        ...

    async def source(self, connection: Connection, id: UUID) -> Source: ...

    async def sources(self, connection: Connection, limit: int = 100) -> Sequence[Source]:
        """The newest first."""
        ...

    async def figures(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, SourceFigures]: ...

    async def lots(self, connection: Connection, account: UUID) -> Sequence[HeldLot]:
        """What an account has and had, what ends first at the top; at most 200."""
        ...

    async def purse(self, connection: Connection, account: UUID, currency: str, now: datetime) -> Sequence[HeldLot]:
        """The lots that can be spent now, what ends first at the top; at most MAX_LOTS."""
        ...

    async def history(self, connection: Connection, account: UUID, limit: int = 50) -> Sequence[WalletEntry]:
        """The newest first."""
        ...

    async def open_packet(self, source: UUID, account: UUID) -> HeldLot:
        """Open a red packet: the next part of it is the account's, once. A repeat finds the same. Raises
        WalletNotFound or PacketNotOpened."""
        ...

    async def parts(self, connection: Connection, source: UUID) -> Sequence[tuple[int, int]]:
        """Number and amount of what was opened of a packet, in order."""
        ...

    async def in_use(self, tx: Connection) -> bool:
        """Whether there has ever been wallet money here."""
        ...

    async def earning(self, tx: Connection, now: datetime) -> Sequence[Source]:
        """Cashback campaigns that give now or gave lately; empty: no order needs to be looked at."""
        ...

    async def earn(self, tx: Connection, orders: Sequence[PaidOrder]) -> int:
        """What these paid orders earn, within every cap; once an order and campaign. Returns how many earned."""
        ...

    async def give_up(self, tx: Connection, orders: Mapping[UUID, Sequence[UUID]]) -> None:
        """These orders were cancelled; each with the lots that had paid of it. Cashback is dropped or taken back, and
        money that came back after its end can be spent for GRACE."""
        ...

    async def come_back(self, tx: Connection, lots: Collection[UUID]) -> None:
        """Money came back into these lots since an order came to less: it pays what is owed of it, and what came after
        its end can be spent for GRACE."""
        ...

    async def make_code(self, tx: Connection, account: UUID, limit: CodeLimit | None = None) -> tuple[str, datetime]:
        """A code by which whoever has it pays one order with the account's money, up to a limit, and until when it is
        good. Codes before it that nobody used are worth nothing any more. It is stored nowhere."""
        ...

    async def use_code(self, tx: Connection, code: str, order: UUID) -> CodeUse:
        """Whose money the code stands for, and how much of it; from now on for that order alone, so a repeat finds the
        same. Raises WalletCodeRefused."""
        ...

    async def owners(self, connection: Connection, lots: Collection[UUID]) -> Mapping[UUID, UUID]:
        """Whose each of these lots is; accounts by lot."""
        ...

    async def note_offers(self, tx: Connection, used: Sequence[tuple[UUID, UUID]]) -> None:
        """Accounts that have used an offer in a festival: (festival, account). Safe to repeat."""
        ...

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """A shopper leaves: what is left in the wallet goes back to who gave it. Safe to repeat."""
        ...

    async def step(self) -> int:
        """What is due: cashback is credited, packets are sent, ends are reminded of and come. For a drain."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]: ...
