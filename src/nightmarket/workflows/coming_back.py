"""What shoppers asked to hear of: goods that are there again, and what is new from brands they follow.

Two drains send mails in sets, each once; one consumer notes what appeared.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from nightmarket.catalog.contract import Catalog, Listing, ProductChanged
from nightmarket.engagement.contract.wishes import ALERTS_A_STEP, Alert, Alerts, Follows, News
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.platform.access import account_emails
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.platform.subscriptions import Subscription
from nightmarket.tally.contract import Tallies

TOLD_PER_UNIT = 3
"""People told within an hour of each unit that is there again: most who hear of it don't buy, and nobody shall come
for nothing."""

SETTLED = timedelta(minutes=10)
"""What appears within this time is told in one mail."""

CARDS_AT_ONCE = 200
NOBODY = UUID(int=0)

BACK: Mapping[str, tuple[str, str]] = {
    "en": ("{title} is back", "You asked to hear of it: {title} can be bought again, at {merchant}."),
    "de": ("{title} ist wieder da", "Wie gewünscht: {title} gibt es wieder, bei {merchant}."),
    "it": ("{title} è di nuovo disponibile", "Come hai chiesto: {title} si può di nuovo comprare, da {merchant}."),
    "zh": ("{title} 到货了", "你关注的 {title} 已重新有货，可在 {merchant} 购买。"),
}
ONCE: Mapping[str, str] = {
    "en": "This was the one message you asked for.",
    "de": "Das war die eine Nachricht, um die gebeten wurde.",
    "it": "Questo è l’unico messaggio che hai richiesto.",
    "zh": "此提醒只发送这一次。",
}
NEW: Mapping[str, tuple[str, str, str]] = {
    "en": (
        "New from {brand}",
        "{brand} has something new:",
        "You hear of it because you follow {brand}. To stop: {link}",
    ),
    "de": ("Neu von {brand}", "{brand} hat Neues:", "Diese Nachricht kommt, weil du {brand} folgst. Beenden: {link}"),
    "it": (
        "Novità da {brand}",
        "{brand} ha qualcosa di nuovo:",
        "Segui {brand}, perciò ti scriviamo. Per smettere: {link}",
    ),
    "zh": ("{brand} 上新", "{brand} 有新品：", "因为你关注了 {brand}，所以收到此消息。取消关注：{link}"),
}


class ComingBack:
    """The drain of alerts: each step looks at some of the variants that people wait for."""

    def __init__(self, database: Database, alerts: Alerts, catalog: Catalog, tallies: Tallies, outbox: Outbox) -> None:
        self._database = database
        self._alerts = alerts
        self._catalog = catalog
        self._tallies = tallies
        self._outbox = outbox
        self._after = NOBODY

    async def step(self, clock: Clock, address: str) -> int:
        """Tell those whose goods are there again; returns how many were told."""
        async with self._database.read() as connection:
            variants = await self._alerts.awaited(connection, self._after, ALERTS_A_STEP)
        self._after = variants[-1] if len(variants) == ALERTS_A_STEP else NOBODY
        listings = await self._catalog.listings(variants)
        amounts = await self._amounts([one for one in listings.values() if one.for_sale])
        if not amounts:
            return 0
        names = {one.id: one.name for one in await self._catalog.merchants()}
        async with self._database.transaction() as tx:
            told = await self._alerts.take(tx, amounts, clock.now())
            mails = [_back(one, listings[one.variant], names, address) for one in told]
            if mails:
                await self._outbox.send(tx, mails)
        return len(told)

    async def _amounts(self, listings: Sequence[Listing]) -> dict[UUID, int]:
        """How many to tell of each variant that is there."""
        if not listings:
            return {}
        tallies = [lot.tally for one in listings for lot in one.stock]
        async with self._database.read() as connection:
            levels = await self._tallies.levels(connection, tallies)
        amounts: dict[UUID, int] = {}
        for one in listings:
            units = sum(levels[lot.tally].available for lot in one.stock if lot.tally in levels)
            if units > 0:
                amounts[one.variant] = units * TOLD_PER_UNIT
        return amounts


def _back(alert: Alert, listing: Listing, names: Mapping[UUID, str], address: str) -> Message:
    title = pick(listing.title, alert.language) or listing.sku
    subject, text = BACK.get(alert.language) or BACK[DEFAULT_LANGUAGE]
    words = {"title": title, "merchant": names.get(listing.merchant, "")}
    link = f"{address}/products/{listing.slug}?variant={listing.sku}"
    once = ONCE.get(alert.language) or ONCE[DEFAULT_LANGUAGE]
    return Message(
        key=f"back:{encode('alr', alert.id)}",
        channel=ChannelKind.MAIL,
        to=alert.email,
        language=alert.language,
        subject=subject.format(**words),
        text=f"{text.format(**words)}\n\n{link}\n\n{once}\n",
        about=encode("var", alert.variant),
    )


def launches(follows: Follows, catalog: Catalog, clock: Clock) -> Subscription:
    """The consumer: notes products that appear."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        fresh = [one.product for fact in facts for one in fact.read(ProductChanged) if one.version == 1]
        for start in range(0, len(fresh), CARDS_AT_ONCE):
            cards = await catalog.cards_of(fresh[start : start + CARDS_AT_ONCE])
            await follows.launched(tx, [(one.brand_slug, one.product) for one in cards if one.brand_slug], clock.now())

    return Subscription("launches", (ProductChanged.kind,), handle)


class Launches:
    """The drain of news: one mail a follower and brand for all that appeared meanwhile."""

    def __init__(self, database: Database, follows: Follows, catalog: Catalog, outbox: Outbox) -> None:
        self._database = database
        self._follows = follows
        self._catalog = catalog
        self._outbox = outbox

    async def step(self, clock: Clock, address: str) -> int:
        """Tell followers; returns how many were told."""
        now = clock.now()
        async with self._database.transaction() as tx:
            news = await self._follows.take_news(tx, now - SETTLED, now)
            if not news:
                return 0
            emails = await account_emails(tx, [one.account for one in news])
            brands = {one.slug: one.name for one in await self._catalog.brands()}
            titles = await self._titles(news)
            mails = [_news(one, emails[one.account], brands, titles, address) for one in news if one.account in emails]
            if mails:
                await self._outbox.send(tx, mails)
        return len(mails)

    async def _titles(self, news: Sequence[News]) -> dict[UUID, tuple[str, Mapping[str, str]]]:
        wanted = list({product: None for one in news for product in one.products})
        found: dict[UUID, tuple[str, Mapping[str, str]]] = {}
        for start in range(0, len(wanted), CARDS_AT_ONCE):
            for card in await self._catalog.cards_of(wanted[start : start + CARDS_AT_ONCE]):
                found[card.product] = (card.slug, card.title)
        return found


def _news(
    one: News, email: str, brands: Mapping[str, str], titles: Mapping[UUID, tuple[str, Mapping[str, str]]], address: str
) -> Message:
    subject, text, why = NEW.get(one.language) or NEW[DEFAULT_LANGUAGE]
    words = {"brand": brands.get(one.brand, one.brand), "link": f"{address}/wishes"}
    named = [titles[product] for product in one.products if product in titles]
    lines = [f"{pick(title, one.language)}\n{address}/products/{slug}" for slug, title in named]
    more = one.amount - len(named)
    if more > 0:
        lines.append(f"+ {more}: {address}/brands/{one.brand}")
    return Message(
        key=f"launch:{encode('acc', one.account)}:{one.brand}:{one.number}",
        channel=ChannelKind.MAIL,
        to=email,
        language=one.language,
        subject=subject.format(**words),
        text="\n\n".join([text.format(**words), *lines, why.format(**words)]) + "\n",
        about=None,
    )
