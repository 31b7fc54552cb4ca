"""A shop in which wallet money is earned, sent and spent."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from nightmarket.bootstrap import PROVIDER, Shop
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive, encode
from nightmarket.orders.contract import (
    Completion,
    Contact,
    Destination,
    LineInput,
    PaymentInput,
    SessionInput,
    SessionKind,
    SessionView,
    payables,
)
from nightmarket.payments.contract.wallets import (
    SOURCE,
    HeldLot,
    MoneyFor,
    NewSource,
    Purse,
    Source,
    SourceKind,
    SourceTerms,
    spend,
)
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.subscriptions import ensure, step

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GOOD, BAD = "success_token", "fail_token"
READER = Contact("reader@example.org", "Wanda", "Example")
HOME = Destination("DE", "Lantern Lane 1", "Example Town", "12345")


async def packet_in(shop: Shop) -> str:
    """A red packet of 10.00 in five parts, open now; its id outside."""
    now = shop.clock.now()
    money = MoneyFor({"en": "Test packet"}, "EUR", now, now + 40 * DAY)
    terms = SourceTerms(SourceKind.OPEN, money, 1_000, now, now + DAY, at_least=100, parts=5)
    id = shop.ids.new()
    async with shop.database.transaction() as tx:
        await shop.wallets.make(tx, NewSource(id, terms), "test")
    return encode(SOURCE, id)


@dataclass
class Purses:
    """A shop, its clock, and what people do with wallets in it. LAMP is 22.20 and CANDLE 3.50 of lanterns, OOLONG 9.90
    of teas; delivery is 4.90 a merchant."""

    shop: Shop
    clock: VirtualClock
    number: int = 0
    accounts: list[UUID] = field(default_factory=list[UUID])

    def money(self, days: float = 40, **more: object) -> MoneyFor:
        now = self.clock.now()
        values: dict[str, object] = {"name": {"en": "For Christmas"}, "currency": "EUR", "spend_from": now}
        return MoneyFor(**{**values, "spend_until": now + days * DAY, **more})  # pyright: ignore[reportArgumentType]

    def terms(self, kind: SourceKind, budget: int, money: MoneyFor | None = None, **more: object) -> SourceTerms:
        now = self.clock.now()
        values: dict[str, object] = {"since": now, "until": now + 10 * DAY, **more}
        return SourceTerms(kind, money or self.money(), budget, **values)  # pyright: ignore[reportArgumentType]

    async def make(self, terms: SourceTerms, listed: tuple[UUID, ...] = ()) -> Source:
        self.number += 1
        async with self.shop.database.transaction() as tx:
            return await self.shop.wallets.make(tx, NewSource(derive("test", self.number), terms, listed), "operator")

    async def account(self) -> UUID:
        name = f"shopper{len(self.accounts)}@example.org"
        [made] = await self.shop.access.accounts.create(
            [NewAccount(name, "Wanda", Role.SHOPPER, "a lantern in the fog")]
        )
        self.accounts.append(made.id)
        return made.id

    async def give(self, account: UUID, amount: int, money: MoneyFor | None = None) -> HeldLot:
        """A packet for one account alone; its lot."""
        terms = self.terms(SourceKind.PACKET, amount, money, amount=amount, audience="listed")
        source = await self.make(terms, (account,))
        await self.shop.wallets.step()
        return next(lot for lot in await self.lots(account) if lot.source.id == source.id)

    async def lots(self, account: UUID) -> list[HeldLot]:
        async with self.shop.database.read() as connection:
            return list(await self.shop.wallets.lots(connection, account))

    async def balance(self, account: UUID) -> int:
        return sum(lot.available for lot in await self.lots(account))

    async def checkout(self, account: UUID, key: str, lines: dict[str, int], *, pay: bool = True) -> SessionView:
        """A checkout of these goods (SKU: quantity); with `pay` what is in the wallet is to pay of it."""
        goods = {"LAMP": "lanterns", "CANDLE": "lanterns", "OOLONG": "teas"}
        found = {sku: await self.shop.catalog.find(goods[sku], sku) for sku in lines}
        wanted = SessionInput(
            lines=tuple(LineInput(id, lines[sku]) for sku, id in found.items() if id is not None),
            currency="EUR",
            contact=READER,
            destination=HOME,
            option="standard",
        )
        orders, now = self.shop.orders, self.clock.now()
        view = await orders.create(account, SessionKind.CHECKOUT, key, wanted)
        if not pay:
            return view
        async with self.shop.database.read() as connection:
            held = await self.shop.wallets.purse(connection, account, "EUR", now)
        lots = tuple(lot.purse_lot() for lot in held)
        quote = view.assessment.quote
        spent = spend(lots, {lot.id: lot.available for lot in held}, payables(view.assessment.cart, quote), now)
        purse = Purse(lots, quote.total - sum(one.amount for one in spent))
        wanted = SessionInput(
            lines=wanted.lines, currency="EUR", contact=READER, destination=HOME, option="standard", purse=purse
        )
        return await orders.update(account, SessionKind.CHECKOUT, view.id, wanted)

    async def pay(self, account: UUID, view: SessionView, handler: str = PROVIDER, token: str = GOOD) -> Completion:
        return await self.shop.orders.complete(account, view.id, PaymentInput(handler, token), listed=True)

    async def buy(self, account: UUID, key: str, lines: dict[str, int], *, pay: bool = True) -> Completion:
        return await self.pay(account, await self.checkout(account, key, lines, pay=pay))

    async def work(self) -> None:
        """What the worker does, until nothing is left."""
        shop, subscription = self.shop, self.shop.cashback.subscription
        payments = PaymentsDrain(shop.database, shop.providers, self.clock, shop.facts)
        for _ in range(20):
            async with shop.database.transaction() as tx:
                await ensure(tx, subscription)
                heard = await step(tx, subscription, self.clock)
            done = await shop.aside.step(shop.cashback.chore()) + await shop.wallets.step() + await payments.step()
            if not heard + done:
                return

    async def sound(self) -> None:
        """Nothing is off, in no part of the house."""
        await self.work()
        assert await self.shop.audit.findings() == []
