"""Sends a shop's webhooks, and nothing else, until it is killed. What it was sending is due again after a second."""

import asyncio
import os

import uvloop

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.ucp.routes import api_of
from nightmarket.platform.settings import read_settings
from nightmarket.platform.webhooks import Sender, SenderOptions
from nightmarket.workflows.order_webhooks import PLACED, Telling


async def run() -> None:
    async with open_shop(read_settings(os.environ)) as shop:
        options = SenderOptions(profile="http://127.0.0.1:1111/p", first=PLACED, loopback=True, lease_seconds=1)
        told = Telling(shop.orders, api_of(shop).order_body)
        sender = Sender(shop.database, shop.clock, shop.signing, shop.agents, told.entity, options)
        while True:
            if not await sender.step():
                await asyncio.sleep(0.05)


uvloop.run(run())
