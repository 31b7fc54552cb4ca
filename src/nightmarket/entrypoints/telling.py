"""Tells others of their orders: the drains that send webhooks, joined to the words of the order API."""

from nightmarket.bootstrap import HOUSEKEEPING_SECONDS, Shop, webhook_sender
from nightmarket.entrypoints.ucp.routes import api_of
from nightmarket.platform.jobs import Drain
from nightmarket.platform.telemetry import Metrics
from nightmarket.platform.webhooks import Sender

SEND_IDLE_SECONDS = 0.25


def sender_of(shop: Shop) -> Sender:
    """Sends what is due of orders."""
    return webhook_sender(shop, api_of(shop).order_body)


def webhook_drains(sender: Sender, metrics: Metrics | None = None) -> list[Drain]:
    """What the worker does with it."""
    return [
        Drain("order-webhooks", sender.step, idle_seconds=SEND_IDLE_SECONDS, tally=metrics),
        Drain("old-webhooks", sender.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
    ]
