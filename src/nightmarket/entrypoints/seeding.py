"""Fills an empty shop with the demo: stalls, categories, brands, goods, bookings, a few offers, and accounts."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

import nightmarket
from nightmarket.bootstrap import EMOJI, Shop, front_end_folder, open_shop
from nightmarket.catalog.contract import ImportFormat, ImportRequest
from nightmarket.demo.album import hang
from nightmarket.demo.slots import booking_lines, plans
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Defect, Problem
from nightmarket.platform.access import MERCHANT_BOUND, NewAccount, Role, account_by_email
from nightmarket.platform.settings import Settings, with_secret
from nightmarket.promotions.contract import AmountOff, Condition, FreeShipping, Offer, PercentOff, offer_of
from nightmarket.promotions.errors import RevisionTaken
from nightmarket.rehearsal.contract import Article

from .campaign_seed import plan_campaign
from .coupon_seed import plan_coupons
from .demonstration import DEMO_ACCOUNTS
from .festival_seed import plan_festival
from .group_seed import plan_groups
from .joint_seed import plan_joint_offers
from .past_seed import place_past_orders
from .place_seed import plan_places
from .presale_seed import plan_presales
from .prize_seed import plan_prizes
from .wallet_seed import plan_wallets

ASSORTMENT = Path(nightmarket.__file__).parent / "demo"
REFERENCE = (
    ("merchants.json", ImportFormat.MERCHANTS),
    ("categories.json", ImportFormat.CATEGORIES),
    ("brands.json", ImportFormat.BRANDS),
    ("attributes.json", ImportFormat.ATTRIBUTES),
    ("size_charts.json", ImportFormat.SIZE_CHARTS),
)
GOODS, MORE_GOODS = "goods.jsonl", "goods"
"""The file of the first stalls' goods, and the folder with one file for each other stall."""

SLOTS_AHEAD = timedelta(days=3)
"""A demo that is opened again and has no slot later than this gets new ones."""

OFFER_DAYS = 365
SALE_AHEAD = timedelta(seconds=125)
"""From the filling of the demo to the opening of its sale: two minutes, and what the processes take to start."""

SALE_ROUND_SECONDS = 10
SALE_LASTS = timedelta(hours=2)
SALE_OFFER = derive("demo-offer", "sale")
SALE_NAME = {
    "en": "The lantern at half price",
    "de": "Die Laterne zum halben Preis",
    "it": "La lanterna a metà prezzo",
    "zh": "灯笼半价",
}
TEA_HOUSE, KITCHEN = "moonlit-tea-house", "lantern-kitchen"

ACCOUNT_NAMES = {role: f"Demo {role.value}" for role in Role}
MERCHANT_OF_ACCOUNT = KITCHEN
"""Whose stall the demo's merchant account looks after."""


async def seed_demo(settings: Settings, url: str) -> datetime | None:
    """Fill the shop behind the URL unless someone sells there already; what is there stays as it is.

    Plans the next sale; returns when it opens, or None where its article is not sold.
    """
    async with open_shop(msgspec.structs.replace(settings, database_url=url), application="nightmarket-seed") as shop:
        merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
        if not merchants:
            await _import_goods(shop)
            await shop.indexer.rebuild()
            merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
            await _publish(shop, demo_offers(shop, merchants))
            await place_past_orders(shop.settings, KITCHEN, TEA_HOUSE, shop.clock.now())
        else:
            await renew_slots(shop)
        if settings.is_loopback:
            await _open_accounts(shop, merchants)
        await plan_festival(shop)
        shop.stage.folder.clear()
        await plan_prizes(shop)
        await plan_groups(shop)
        await plan_joint_offers(shop)
        await plan_campaign(shop)
        await plan_presales(shop)
        await plan_coupons(shop)
        await plan_wallets(shop)
        await plan_places(shop)
        return await plan_sale(shop)


def crowd_article() -> Article:
    """What the demo's sale is about, and what its crowd comes for."""
    return msgspec.json.decode((ASSORTMENT / "front.json").read_bytes(), type=_Front).crowd


class _Front(msgspec.Struct):
    crowd: Article


def sale_of(shop: Shop) -> Offer | None:
    """The demo's sale as it is planned now, before, in or after its time."""
    return offer_of(shop.books.current(), SALE_OFFER)


async def plan_sale(shop: Shop) -> datetime | None:
    """Fill the shelf again, and let the article be half price from two minutes on, for as long as there is some."""
    article = crowd_article()
    try:
        listing = await shop.stage.listing(article)
    except Problem:
        return None
    now = shop.clock.now()
    opens = now + SALE_AHEAD
    opens += timedelta(seconds=-int(opens.timestamp()) % SALE_ROUND_SECONDS, microseconds=-opens.microsecond)
    planned = sale_of(shop)
    sale = Offer(
        SALE_OFFER,
        planned.revision + 1 if planned else 1,
        SALE_NAME,
        PercentOff(article.percent_off * 100),
        opens,
        opens + SALE_LASTS,
        Condition(variants=frozenset({listing.variant})),
    )
    async with shop.database.transaction() as tx:
        once = derive("demo-sale", int(opens.timestamp()))
        await shop.stage.restock(tx, listing.stock[0].tally, article.units, once=once, least=True)
        try:
            await shop.offers.publish(tx, [sale], now)
        except RevisionTaken as taken:  # an operator has retired it: its numbers go on
            await shop.offers.publish(tx, [msgspec.structs.replace(sale, revision=taken.fields["expected"])], now)
    return opens


async def _import_goods(shop: Shop) -> None:
    for name, shape in REFERENCE:
        await _import(shop, ASSORTMENT / name, shape, None)
    sources = [ASSORTMENT / GOODS, *sorted((ASSORTMENT / MORE_GOODS).glob("*.jsonl"))]
    goods = "".join(source.read_text(encoding="utf-8") for source in sources)
    await _import_lines(shop, goods + booking_lines(shop.clock.now()))


async def _import_lines(shop: Shop, lines: str) -> None:
    """As one file, so that a picture which several stalls show is looked at once."""
    file = shop.settings.home / "demo" / GOODS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(lines, encoding="utf-8")
    await _import(shop, file, ImportFormat.JSON_LINES, await _pictures(shop.settings))


async def _import(shop: Shop, file: Path, shape: ImportFormat, pictures: Path | None) -> None:
    folder = str(pictures) if pictures else None
    report = await shop.importer.run_import(ImportRequest(file=str(file), format=shape, pictures=folder))
    refused = [remark for remark in report.remarks if remark.refused]
    if refused:
        raise Defect(f"the demo's {file.name} was refused in line {refused[0].line}: {refused[0].reason}")


async def _pictures(settings: Settings) -> Path | None:
    """The folder of the goods' pictures, painted on the first use; None where the art of the front end is missing."""
    art = front_end_folder(EMOJI)
    if art is None:
        return None
    beside = art.parents[2] / ".cache"
    shelf = beside if os.access(beside.parent, os.W_OK) else settings.home
    return await asyncio.to_thread(hang, shelf, art)


async def renew_slots(shop: Shop) -> None:
    """New slots for the demo's bookings that are still sold and have hardly one ahead."""
    soon, stale = shop.clock.now() + SLOTS_AHEAD, list[str]()
    for plan in plans():
        product = await shop.catalog.product(plan.product)
        if product is not None and all((one.starts_at or soon) <= soon for one in product.variants):
            stale.append(plan.product)
    if stale:
        await _import_lines(shop, booking_lines(shop.clock.now(), stale))


def demo_offers(shop: Shop, merchants: dict[str, UUID]) -> Sequence[Offer]:
    """What holds on the demo's night: one of each kind, paid for by different people."""
    begins = shop.clock.now()
    ends = begins + timedelta(days=OFFER_DAYS)

    def offer(key: str, name: dict[str, str], effect: PercentOff | AmountOff | FreeShipping, **words: object) -> Offer:
        return Offer(derive("demo-offer", key), 1, name, effect, begins, ends, **words)  # pyright: ignore[reportArgumentType]

    return (
        offer(
            "games",
            {
                "en": "10% off games and toys",
                "de": "10 % auf Spiele und Spielzeug",
                "it": "10% su giochi e giocattoli",
                "zh": "玩具游戏九折",
            },
            PercentOff(1_000),
            condition=Condition(categories=frozenset({"games"})),
        ),
        offer(
            "night11",
            {
                "en": "Eleven off",
                "de": "Elf weniger",
                "it": "Undici in meno",
                "zh": "满额立减",
            },
            AmountOff({"EUR": 1_100, "USD": 1_100, "CNY": 8_800}),
            condition=Condition(at_least={"EUR": 11_100, "USD": 11_100, "CNY": 88_800}),
            code="NIGHT11",
        ),
        offer(
            "tea-house",
            {
                "en": "Free delivery from the tea house",
                "de": "Versandfrei aus dem Teehaus",
                "it": "Consegna gratuita dalla casa del tè",
                "zh": "茶馆满额免运费",
            },
            FreeShipping(),
            condition=Condition(
                merchants=frozenset({merchants[TEA_HOUSE]}), at_least={"EUR": 6_000, "USD": 6_000, "CNY": 42_000}
            ),
            funder=merchants[TEA_HOUSE],
        ),
        offer(
            "kitchen",
            {
                "en": "5% off the kitchen stall",
                "de": "5 % am Küchenstand",
                "it": "5% al banco della cucina",
                "zh": "厨房摊满额九五折",
            },
            PercentOff(500),
            condition=Condition(
                merchants=frozenset({merchants[KITCHEN]}), at_least={"EUR": 5_000, "USD": 5_000, "CNY": 35_000}
            ),
            funder=merchants[KITCHEN],
        ),
    )


async def _publish(shop: Shop, offers: Sequence[Offer]) -> None:
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, offers, shop.clock.now())


async def _open_accounts(shop: Shop, merchants: dict[str, UUID]) -> None:
    """Accounts whose passwords everyone knows, for a shop that only this machine can reach."""
    wanted: list[NewAccount] = []
    async with shop.database.read() as connection:
        for account in DEMO_ACCOUNTS:
            if await account_by_email(connection, account.email) is not None:
                continue
            role = Role(account.role)
            merchant = merchants.get(MERCHANT_OF_ACCOUNT) if role in MERCHANT_BOUND else None
            if role in MERCHANT_BOUND and merchant is None:
                continue
            wanted.append(NewAccount(account.email, ACCOUNT_NAMES[role], role, account.password, merchant))
    await shop.access.accounts.create(wanted)
    async with shop.database.transaction() as tx:
        for account in DEMO_ACCOUNTS:
            if Role(account.role) is Role.SHOPPER:  # whose cashback and group prices need a confirmed address
                await shop.access.accounts.vouch(tx, account.email)


def fill(settings: Settings, url: str) -> datetime | None:
    """As a seed of `nightmarket up`; returns when the next sale opens."""
    return asyncio.run(seed_demo(with_secret(settings), url))
