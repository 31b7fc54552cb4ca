"""Paying with a shopper's wallet: a payment handler of ours, whose credential is a code that the shopper gives away.

UCP 2026-04-08 has no words for paying one order from two sources; what the wallet leaves is paid by the next instrument
of the same request, in the form of the extension that UCP has drafted since (Split Payments, open amounts).
"""

from typing import Any

import msgspec
from litestar import Controller, get
from litestar.datastructures import CacheControlHeader
from msgspec import UNSET, Struct, UnsetType

from nightmarket.bootstrap import WALLET, Shop
from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.money import decimal_of
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import PaymentInput, SessionState, SessionView, Sold
from nightmarket.payments.contract.wallets import CodeLimit, Purse
from nightmarket.payments.errors import WalletCodeRefused

from . import wire
from .signed import check_asked

VERSION = "2026-11-11"
NAME = "dev.nightmarket.wallet"
SCHEMA = "/ucp/wallet/schema.json"
SCHEMA_KEPT = CacheControlHeader(public=True, max_age=300)
OPEN = (SessionState.INCOMPLETE, SessionState.READY)


class WalletCredential(Struct, tag_field="type", tag="wallet_code"):
    """`token` is the code that the buyer made on the wallet's page: good for an hour and for one checkout, and up to
    the amount that the buyer allowed, if any."""

    token: str


class WalletInstrument(Struct, omit_defaults=True, tag_field="type", tag="store_credit"):
    """Pays as much as the buyer's wallet can pay of the order; the next instrument pays the rest, and none is needed
    where nothing is left. In an answer `amount` is what it paid (minor units)."""

    id: str
    handler_id: str
    credential: WalletCredential | UnsetType = UNSET
    amount: int | UnsetType = UNSET


def handler(address: str) -> dict[str, list[dict[str, Any]]]:
    """What the profile and every checkout say of it."""
    entry = {
        "id": WALLET,
        "version": VERSION,
        "spec": f"{address}/docs#tag/Wallet",
        "schema": f"{address}{SCHEMA}",
        "available_instruments": [{"type": "store_credit"}],
    }
    return {NAME: [entry]}


def json_schema(url: str) -> dict[str, object]:
    """The schema of the instrument, as it is published at that address."""
    _, parts = msgspec.json.schema_components([WalletInstrument], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": url,
        "title": "Nightmarket's wallet as a UCP payment handler",
        "$ref": "#/$defs/WalletInstrument",
        "$defs": parts,
    }


class WalletController(Controller):
    """The wallet's schema."""

    path = "/ucp"
    tags = ("Wallet",)
    before_request = check_asked

    @get("/wallet/schema.json", operation_id="wallet_schema", cache_control=SCHEMA_KEPT)
    async def schema(self, shop: TheShop) -> dict[str, Any]:
        """The JSON Schema of an instrument of the handler `dev.nightmarket.wallet`."""
        return json_schema(f"{shop.settings.address}{SCHEMA}")


async def with_purse(
    shop: Shop, view: SessionView, codes: list[wire.Instrument], payment: PaymentInput
) -> PaymentInput:
    """The payment with the money that a buyer's code stands for. A closed session is paid already, or never."""
    if len(codes) > 1:
        raise InvalidInput("Pay with one wallet at a time.", field="payment.instruments")
    [code] = codes
    if code.credential is None or not code.credential.token:
        raise InvalidInput("Send the buyer's wallet code as `credential.token`.", field="payment.instruments")
    if view.state not in OPEN:
        return payment
    async with shop.database.transaction() as tx:
        used = await shop.wallets.use_code(tx, code.credential.token, view.id)
        _within(used.limit, view, alone=payment.handler == WALLET)  # refused, it is not used
        held = await shop.wallets.purse(tx, used.account, view.body.currency, shop.clock.now())
    rest = 0 if payment.handler == WALLET else view.assessment.quote.total
    most = None if used.limit is None else used.limit.most
    return msgspec.structs.replace(payment, purse=Purse(tuple(lot.purse_lot() for lot in held), rest, most))


def _within(limit: CodeLimit | None, view: SessionView, *, alone: bool) -> None:
    """Raise WalletCodeRefused for what the buyer did not allow the code to pay."""
    if limit is None:
        return
    most, total = (decimal_of(one, limit.currency) for one in (limit.most, view.assessment.quote.total))
    if limit.currency != view.body.currency:
        text = f"The buyer's code pays up to {most} {limit.currency}, and nothing in {view.body.currency}."
    elif alone and view.assessment.quote.total > limit.most:
        text = (
            f"The buyer's code pays up to {most} {limit.currency}, and this order comes to {total}. "
            "Add an instrument that pays the rest, or ask the buyer for a code that may pay more."
        )
    else:
        return
    raise WalletCodeRefused(text, field="payment.instruments")


def shown(sold: Sold, codes: list[wire.Instrument]) -> wire.PaymentAnswer:
    """What the wallet paid of it; codes are not said again."""
    paid = sold.total - sold.to_pay
    instruments = [WalletInstrument(one.id, one.handler_id, amount=paid) for one in codes]
    return wire.PaymentAnswer([msgspec.to_builtins(one) for one in instruments])


def is_wallet(instrument: wire.Instrument) -> bool:
    return instrument.handler_id == WALLET
