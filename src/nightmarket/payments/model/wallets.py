"""Wallet money: what it is for and until when, how it is earned and sent, and what may be wrong of that. Pure.

Wallet money comes in lots. A lot is a tally: who pays with it claims from it, as from everything scarce.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import MAX_AMOUNT, known_currency

SOURCE, LOT = "wms", "wlt"
"""Prefixes of the ids outside."""

WHOLE = 10_000
"""Basis points of the whole."""

MAX_NAME = 120
MAX_LISTED = 20_000
"""Accounts that one packet is sent to by list."""

MAX_PACKETS = 10_000
"""Parts of one open packet."""

MAX_GOODS = 50
"""Categories, brands and merchants that money may be bound to, of each."""

MAX_CREDIT_DAYS = 60
LONGEST = timedelta(days=400)
GRACE = timedelta(days=14)
"""Money that comes back after its end, from an order that was cancelled, can be spent for so long."""


class SourceKind(StrEnum):
    CASHBACK = "cashback"
    """Earned by paid orders."""
    PACKET = "packet"
    """Sent to everybody of an audience, each the same."""
    OPEN = "open"
    """Opened by whoever comes, each a part that chance has made, until it is empty."""


class Audience(StrEnum):
    """Whom a packet is sent to."""

    ALL = "all"
    LISTED = "listed"
    NO_OFFER = "no_offer"
    """Who used no offer in a festival's windows."""


class MoneyFor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What money is for: its name by language, when it is spent and on what. Empty sets: on everything, delivery too;
    else on goods that fit each set that is not empty. `funder` is the merchant who gives it, None the market."""

    name: dict[str, str]
    currency: str
    spend_from: datetime
    spend_until: datetime
    funder: UUID | None = None
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    merchants: tuple[UUID, ...] = ()


class SourceTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is fixed when a source of wallet money is made; `budget` minor units are all it ever gives.

    cashback: `basis_points` of what orders placed in [since, until) come to, or `amount` for each; orders from
    `at_least`; at most `per_order` and, of one account, `per_account` (0: no such limit); credited `credit_days` days
    after payment (0: with it). packet: `amount` to each of `audience`, once `since` has come. open: `parts` parts of at
    least `at_least` each, opened in [since, until).
    """

    kind: SourceKind
    money: MoneyFor
    budget: int
    since: datetime
    until: datetime
    basis_points: int = 0
    amount: int = 0
    at_least: int = 0
    per_order: int = 0
    per_account: int = 0
    credit_days: int = 0
    audience: Audience = Audience.ALL
    festival: UUID | None = None
    parts: int = 0


class Source(msgspec.Struct, frozen=True):
    """A cashback campaign or a red packet as it was made. `ended_at`: gives nothing any more; `done_at`: everybody of
    its audience has theirs. `secret` made the parts of an open packet, and is told once it is over."""

    id: UUID
    terms: SourceTerms
    secret: bytes
    made_at: datetime
    made_by: str
    ended_at: datetime | None = None
    done_at: datetime | None = None
    opened: int = 0

    def is_open(self, now: datetime) -> bool:
        """Whether it gives now."""
        return self.ended_at is None and self.terms.since <= now < self.terms.until


class WalletFlaw(msgspec.Struct, frozen=True):
    """What is wrong of a source: the field, a word for it, and how to mend it."""

    field: str
    reason: str
    detail: str


def budget_tally(source: UUID) -> UUID:
    """The tally of what a source still may give."""
    return derive("wallet_budget", source)


def share_tally(source: UUID, account: UUID) -> UUID:
    """The tally of what an account still may earn of a source."""
    return derive("wallet_share", source, account)


def gift_claim(source: UUID, about: UUID, account: UUID) -> UUID:
    """The claim on a source's budget by which an account got something, about an order or the source itself."""
    return derive("wallet_gift", source, about, account)


def lot_id(source: UUID, about: UUID, account: UUID) -> UUID:
    """The lot that comes of it; its tally's id, too."""
    return derive("wallet_lot", source, about, account)


def cashback(terms: SourceTerms, base: int) -> int:
    """What an order earns that came to `base` minor units of real money; a percentage is rounded down, since it is
    given and not taken."""
    if base <= 0 or base < terms.at_least:
        return 0
    amount = base * terms.basis_points // WHOLE if terms.basis_points else terms.amount
    return min(amount, terms.per_order) if terms.per_order else amount


def net_of_debt(amount: int, owed: int) -> tuple[int, int]:
    """What of a credit is given, and what of it settles a debt: cashback of orders that were cancelled after it was
    spent. A wallet never shows less than nothing; what is owed comes out of the next cashback."""
    settled = min(amount, owed)
    return amount - settled, settled


def source_flaws(terms: SourceTerms, now: datetime, listed: int = 0) -> list[WalletFlaw]:
    """All that keeps a source from being made."""
    return [*_money(terms.money), *_times(terms, now), *_amounts(terms), *_audience(terms, listed)]


def _money(money: MoneyFor) -> Iterator[WalletFlaw]:
    if not money.name.get("en", "").strip():
        yield WalletFlaw("name", "missing", "Say in English what the money is for.")
    for language, text in money.name.items():
        if language not in LANGUAGES or not text.strip() or len(text) > MAX_NAME or not text.isprintable():
            yield WalletFlaw(f"name.{language}", "malformed", "Say it in 1 to 120 visible letters.")
    if not known_currency(money.currency):
        yield WalletFlaw("currency", "unknown", "Use a currency of ISO 4217, such as EUR.")
    if max(len(money.categories), len(money.brands), len(money.merchants)) > MAX_GOODS:
        yield WalletFlaw("categories", "too_many", "Bind money to at most 50 categories, brands or merchants.")
    if money.funder is not None and money.merchants != (money.funder,):
        yield WalletFlaw("merchants", "not_own", "What a merchant gives is spent on that merchant's goods.")


def _times(terms: SourceTerms, now: datetime) -> Iterator[WalletFlaw]:
    money = terms.money
    if terms.until <= terms.since:
        yield WalletFlaw("until", "before_start", "It ends after it begins.")
    elif terms.until <= now:
        yield WalletFlaw("until", "past", "The end lies in the past.")
    if money.spend_until <= money.spend_from:
        yield WalletFlaw("spend_until", "before_start", "The money lasts until after it can first be spent.")
    elif money.spend_until <= terms.since + timedelta(days=terms.credit_days):
        yield WalletFlaw("spend_until", "too_early", "The money would be over before anybody has it.")
    elif money.spend_until - now > LONGEST:
        yield WalletFlaw("spend_until", "too_late", "Money is over within 400 days.")


def _amounts(terms: SourceTerms) -> Iterator[WalletFlaw]:
    if not 0 < terms.budget <= MAX_AMOUNT // 1_000:
        yield WalletFlaw("budget", "out_of_range", "Give a budget above nothing, and below ten billion.")
    match terms.kind:
        case SourceKind.CASHBACK:
            if bool(terms.basis_points) == bool(terms.amount) or not 0 <= terms.basis_points <= WHOLE:
                yield WalletFlaw("amount", "one_of_two", "Give back a percentage up to 100, or an amount.")
            if not 0 <= terms.credit_days <= MAX_CREDIT_DAYS:
                yield WalletFlaw("credit_days", "out_of_range", "Credit it within 60 days.")
        case SourceKind.PACKET:
            if not 0 < terms.amount <= terms.budget:
                yield WalletFlaw("amount", "out_of_range", "Give each something, and not more than the budget.")
        case SourceKind.OPEN:
            if not 1 <= terms.parts <= MAX_PACKETS:
                yield WalletFlaw("parts", "out_of_range", "Make 1 to 10000 parts.")
            elif not 1 <= terms.at_least <= terms.budget // terms.parts:
                yield WalletFlaw("at_least", "out_of_range", "The least of each part fits into the budget.")
    if min(terms.amount, terms.at_least, terms.per_order, terms.per_account) < 0:
        yield WalletFlaw("amount", "negative", "No amount is below nothing.")


def _audience(terms: SourceTerms, listed: int) -> Iterator[WalletFlaw]:
    if terms.kind is not SourceKind.PACKET:
        return
    if terms.audience is Audience.LISTED and not 1 <= listed <= MAX_LISTED:
        yield WalletFlaw("addresses", "amount", "Name 1 to 20000 addresses of accounts.")
    if terms.audience is Audience.NO_OFFER and terms.festival is None:
        yield WalletFlaw("festival", "missing", "Choose the festival whose offers they did not use.")
