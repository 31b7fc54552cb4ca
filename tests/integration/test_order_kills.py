"""kill -9 of a web process or of PostgreSQL at each point of an order's way: everything comes back, nothing is lost."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.kernel.ids import encode
from nightmarket.orders.contract import OrderState
from nightmarket.orders.points import Point
from nightmarket.payments.contract.wallets import MoneyFor, NewSource, SourceKind, SourceTerms
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings
from tests.open_shop import GOODS, stock_up
from tests.terminal import Terminal, free_port

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "doomed_shop.py"
ON_THE_WAY = (
    Point.BEFORE_CLAIM,
    Point.CLAIM_WRITTEN,
    Point.CLAIMED,
    Point.AUTHORISED,
    Point.SETTLE_WRITTEN,
    Point.SETTLED,
)
BUYERS = 6
WALLET_MONEY = 500
"""Less than an order: the card pays the rest."""
PATIENCE_SECONDS = 120.0
ADDRESS = {
    "id": "home",
    "street_address": "Lampengasse 11",
    "address_locality": "Nachtstadt",
    "address_country": "DE",
    "postal_code": "11111",
}
CARD = {"type": "token", "token": "success_token"}
PAY = {"payment": {"instruments": [{"id": "i1", "handler_id": "testpay", "type": "card", "credential": CARD}]}}


@dataclass
class Doomed:
    """A shop whose processes can be made to die, a client to it, and a view of its database."""

    home: Path
    client: httpx.AsyncClient
    shop: Shop
    item: str

    async def ask(self, method: str, path: str, body: Any, key: str) -> dict[str, Any]:
        """Ask until there is an answer that is no failure of the server, always with the same key."""
        headers = {"Idempotency-Key": str(uuid5(NAMESPACE_URL, key)), "UCP-Agent": 'profile="http://127.0.0.1/kills"'}
        give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self.client.request(method, path, json=body, headers=headers)
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            except httpx.TransportError:
                pass
            assert asyncio.get_running_loop().time() < give_up, f"no answer to {method} {path}"
            await asyncio.sleep(0.1)

    async def ready(self, key: str) -> str:
        """The path of a session that lacks nothing."""
        wanted: dict[str, Any] = {
            "line_items": [{"item": {"id": self.item}, "quantity": 1}],
            "buyer": {"email": "reader@example.com"},
        }
        made = await self.ask("POST", "/ucp/checkout-sessions", wanted, key)
        groups = made["fulfillment"]["methods"][0]["groups"]
        chosen = [{"id": group["id"], "selected_option_id": "standard"} for group in groups]
        method = {"type": "shipping", "destinations": [ADDRESS], "selected_destination_id": "home", "groups": chosen}
        path = f"/ucp/checkout-sessions/{made['id']}"
        await self.ask("PUT", path, wanted | {"fulfillment": {"methods": [method]}}, key)
        return path

    async def purse(self, number: int) -> tuple[UUID, dict[str, Any]]:
        """An account with 5.00 in its wallet, and what pays with it first and with a card then."""
        shop = self.shop
        name = f"purse{number}@example.org"
        [made] = await shop.access.accounts.create([NewAccount(name, "Wanda", Role.SHOPPER, "a lantern in the fog")])
        now, source = shop.clock.now(), shop.ids.new()
        money = MoneyFor({"en": "For lanterns"}, "EUR", now, now + timedelta(days=9))
        terms = SourceTerms(SourceKind.OPEN, money, WALLET_MONEY, now, now + timedelta(days=1), at_least=1, parts=1)
        async with shop.database.transaction() as tx:
            await shop.wallets.make(tx, NewSource(source, terms), "test")
            code, _ = await shop.wallets.make_code(tx, made.id)
        await shop.wallets.open_packet(source, made.id)
        credential = {"type": "wallet_code", "token": code}
        wallet = {"id": "i0", "handler_id": "wallet", "type": "store_credit", "credential": credential}
        return made.id, {"payment": {"instruments": [wallet, *PAY["payment"]["instruments"]]}}

    async def buy(self, path: str, pay: dict[str, Any] = PAY) -> str:
        """Complete, and ask again while the payment is under way; returns the order's id."""
        give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            answer = await self.ask("POST", f"{path}/complete", pay, path)
            if answer["status"] == "completed":
                return answer["order"]["id"]
            assert answer["status"] == "complete_in_progress", answer
            assert asyncio.get_running_loop().time() < give_up, f"never completed: {path}"
            await asyncio.sleep(0.2)


@pytest.fixture
async def doomed(home: Path) -> AsyncGenerator[Doomed]:
    port = free_port()
    terminal = Terminal([sys.executable, str(PROGRAM), str(home), str(port)], {"PYTHONPATH": str(Path.cwd())})
    try:
        await asyncio.to_thread(terminal.await_words, "test | ready")
        secret = (home / "secret").read_text().strip()
        settings = Settings(home=home, port=port, secret=secret, database_url=EmbeddedPostgres(home).url)
        async with (
            open_shop(settings, application="test") as shop,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            await stock_up(shop, home)
            merchant, _, sku, *_ = GOODS[1]
            variant = await shop.catalog.find(merchant, sku)
            assert variant is not None
            yield Doomed(home, client, shop, encode("var", variant))
        assert terminal.stop() == 0, terminal.said
    finally:
        terminal.clear_away()


async def test_every_point_survives_a_kill(doomed: Doomed) -> None:
    """At each point a web process, then PostgreSQL, is killed while orders stream in: each acknowledged order is there
    once, paid once, one of each six from a wallet first and from a card then, and the audit finds nothing."""
    orders: list[str] = []
    purses = [await doomed.purse(number) for number in range(2 * len(ON_THE_WAY))]
    struck: list[tuple[str, str]] = []
    for victim in ("web", "postgres"):
        for point in ON_THE_WAY:
            paths = [await doomed.ready(f"{victim} {point} {n}") for n in range(BUYERS)]
            doom = doomed.home / "doom"
            doom.write_text(f"{victim} {point.value}")
            pays = [purses[len(struck)][1], *[PAY] * (BUYERS - 1)]
            orders += await asyncio.gather(*(doomed.buy(path, pay) for path, pay in zip(paths, pays, strict=True)))
            assert not doom.exists(), f"{point} was never reached"
            struck.append((victim, point.value))
    assert len(struck) == 2 * len(ON_THE_WAY)
    assert len(set(orders)) == len(orders) == BUYERS * len(struck)
    for order in orders:
        found = await doomed.ask("GET", f"/ucp/orders/{order}", None, order)
        assert found["id"] == order
    give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while findings := await doomed.shop.audit.findings():
        assert asyncio.get_running_loop().time() < give_up, findings
        await asyncio.sleep(1)
    paid = [row for row in await doomed.shop.orders.latest(limit=200) if row.state is OrderState.PAID]
    assert len(paid) == len(orders)
    by_wallet = [sum(spent.amount for spent in row.body.wallet) for row in paid if row.body.wallet]
    assert by_wallet == [WALLET_MONEY] * len(purses)
    async with doomed.shop.database.read() as connection:
        lots = [lot for account, _ in purses for lot in await doomed.shop.wallets.lots(connection, account)]
    assert {(lot.available, lot.reserved) for lot in lots} == {(0, 0)}
