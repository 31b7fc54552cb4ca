"""The demo's past: made-up evenings on which somebody bought, so that figures, simulations and proposals of partners
have something to go by. Ordinary orders by the ordinary order path, paid with the test card, on a clock of then."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import cycle, islice
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, derive
from nightmarket.orders.contract import Contact, Destination, LineInput, PaymentInput, SessionInput, SessionKind
from nightmarket.platform.settings import Settings

EVENINGS = (12, 9, 6, 3)
"""Days ago, of each evening."""

HOUR = timedelta(hours=20)
SEED = 11_11
CARD = PaymentInput("testpay", "success_token")
HOME = Destination("DE", "Lantern Street 11", "Demo Town", "10115")
CANDLES, TEA = ("LE-BEES-3", "LE-BEES-6"), ("MT-TEA-PEA", "MT-TEA-JAS", "MT-BUB-06")
OF_KITCHEN, OF_TEA_HOUSE = ("LK-BOWL-1", "LK-CRISP-CHI", "LK-CRISP-GAR"), ("MT-DRY-MAN", "MT-DRY-PIN", "MT-HONEY-250")
BOTH, EACH = 12, 32
"""Carts with candles and tea, by eight guests; carts of guests who know one of the two stalls only."""


class PastCart(msgspec.Struct, frozen=True):
    """Which guest had what, as `merchant/SKU`."""

    guest: int
    goods: tuple[tuple[str, str], ...]


def carts(kitchen: str, tea_house: str) -> list[PastCart]:
    """All of them, mixed over the evenings: candles and tea are bought together by few, other goods by many."""
    both = [
        PastCart(number % 8, ((kitchen, CANDLES[number % len(CANDLES)]), (tea_house, TEA[number % len(TEA)])))
        for number in range(BOTH)
    ]
    first = [PastCart(100 + n, ((kitchen, sku),)) for n, sku in enumerate(islice(cycle(OF_KITCHEN), EACH))]
    second = [PastCart(200 + n, ((tea_house, sku),)) for n, sku in enumerate(islice(cycle(OF_TEA_HOUSE), EACH))]
    return [*both, *first, *second]


async def place_past_orders(settings: Settings, kitchen: str, tea_house: str, now: datetime) -> int:
    """Place them, an evening's together; returns how many there are. Safe to repeat: each is placed once."""
    wanted = list(enumerate(carts(kitchen, tea_house)))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    clock = VirtualClock(midnight - timedelta(days=EVENINGS[0]) + HOUR)
    ids = SeededIds(clock, SEED)
    async with open_shop(settings, clock=clock, ids=ids, application="nightmarket-past") as shop:
        found = {item: await shop.catalog.find(*item) for _, cart in wanted for item in cart.goods}
        variants = {item: variant for item, variant in found.items() if variant is not None}
        for number, days in enumerate(EVENINGS):
            clock.advance(midnight - timedelta(days=days) + HOUR - clock.now())
            await asyncio.gather(
                *(_place(shop, number, cart, variants) for number, cart in wanted[number :: len(EVENINGS)])
            )
    return len(wanted)


async def _place(shop: Shop, number: int, cart: PastCart, variants: Mapping[tuple[str, str], UUID]) -> None:
    owner = derive("demo-guest", cart.guest)
    lines = tuple(LineInput(variants[item], 1) for item in cart.goods if item in variants)
    contact = Contact(f"guest-{cart.guest}@demo.example", "Demo", f"Guest {cart.guest}")
    asked = SessionInput(lines, "EUR", contact=contact, destination=HOME, option="standard")
    made = await shop.orders.create(owner, SessionKind.CHECKOUT, f"demo-past-{number}", asked)
    if made.order is None:
        await shop.orders.complete(owner, made.id, CARD)
