"""The demo's cashback and red packets, made anew when the last ones are over."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.payments.contract.wallets import Audience, MoneyFor, NewSource, SourceKind, SourceTerms
from nightmarket.payments.errors import WalletRefused
from nightmarket.platform.access import account_by_email

from .demonstration import DEMO_ACCOUNTS

WHO = "demo"
LASTS, HOLDS = timedelta(days=7), timedelta(days=60)
CHRISTMAS = {
    "en": "From this week, for Christmas",
    "de": "Von dieser Woche, für Weihnachten",
    "it": "Da questa settimana, per Natale",
    "zh": "本周所得，圣诞可用",
}
PACKET = {
    "en": "Lantern festival packet",
    "de": "Umschlag zum Laternenfest",
    "it": "Busta della festa delle lanterne",
    "zh": "灯会红包",
}
WELCOME = {
    "en": "Welcome to the night market",
    "de": "Willkommen auf dem Nachtmarkt",
    "it": "Benvenuto al mercato notturno",
    "zh": "欢迎来到夜市",
}


async def plan_wallets(shop: Shop) -> None:
    """Cashback on everything, a packet to open, and one for the demo's shopper; unless some are there still."""
    now = shop.clock.now().replace(microsecond=0)
    shopper = next(account.email for account in DEMO_ACCOUNTS if account.role == "shopper")
    async with shop.database.read() as connection:
        running = [one for one in await shop.wallets.sources(connection) if one.made_by == WHO and one.is_open(now)]
        found = await account_by_email(connection, shopper)
    if running:
        return
    number = int(now.timestamp())
    wanted: list[tuple[str, SourceTerms, tuple[UUID, ...]]] = [
        ("cashback", _cashback(now), ()),
        ("open", _open(now), ()),
    ]
    if found is not None:
        wanted.append(("welcome", _welcome(now), (found[0].id,)))
    try:
        async with shop.database.transaction() as tx:
            for what, terms, listed in wanted:
                await shop.wallets.make(tx, NewSource(derive("demo-wallet", what, number), terms, listed), WHO)
    except WalletRefused:
        return


def _money(name: dict[str, str], now: datetime) -> MoneyFor:
    return MoneyFor(name, "EUR", now, now + HOLDS)


def _cashback(now: datetime) -> SourceTerms:
    """Five percent, up to 10.00 an order."""
    return SourceTerms(
        SourceKind.CASHBACK,
        _money(CHRISTMAS, now),
        500_000,
        now,
        now + LASTS,
        basis_points=500,
        per_order=1_000,
        per_account=5_000,
    )


def _open(now: datetime) -> SourceTerms:
    return SourceTerms(SourceKind.OPEN, _money(PACKET, now), 10_000, now, now + LASTS, at_least=100, parts=50)


def _welcome(now: datetime) -> SourceTerms:
    return SourceTerms(
        SourceKind.PACKET, _money(WELCOME, now), 750, now, now + LASTS, amount=750, audience=Audience.LISTED
    )
