"""What the worker does: consumers of facts, what they set aside, jobs, drains."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nightmarket.catalog.jobs import import_job
from nightmarket.discovery.handlers import (
    catalog_follower,
    sales_chore,
    sales_follower,
    stock_follower,
)
from nightmarket.orders.contract import Order
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.platform.aside import Chore
from nightmarket.platform.facts import make_partitions
from nightmarket.platform.jobs import Drain, Job, Share
from nightmarket.platform.jobs import counts as job_counts
from nightmarket.platform.messages import (
    Channel,
    ChannelKind,
    LocalChannel,
    Postman,
    SmtpChannel,
    figures,
    mail_server,
)
from nightmarket.platform.subscriptions import Subscription, lag
from nightmarket.platform.telemetry import Metrics
from nightmarket.platform.webhooks import Sender
from nightmarket.platform.webpush import WebPushChannel
from nightmarket.rehearsal.handlers.witness import Witness
from nightmarket.workflows.coming_back import ComingBack, Launches, launches
from nightmarket.workflows.leaving import forget_carts_job
from nightmarket.workflows.loss_guard import Guarding, loss_guard
from nightmarket.workflows.merchant_mail import merchant_mail
from nightmarket.workflows.order_mail import order_mail, order_mail_chore
from nightmarket.workflows.order_webhooks import Telling, order_sender, order_webhooks
from nightmarket.workflows.reminding import Reminding

from .shop import Shop

HOUSEKEEPING_SECONDS = 3_600.0
WAITING_SECONDS = 5.0
"""How often it is looked whether goods that people wait for are there again."""
UNHURRIED = 0.05
"""The part of the time that drains have together whose work may wait while the machine is busy."""

STANDING = 0.02
"""The same for what the search shows as left."""
GAUGE_SECONDS = 2.0
INDEX_SECONDS = 0.5
"""How often it is looked whether goods have changed: who changes them looks for them next."""

STANDING_SECONDS = 2.0
RESTOCK_SECONDS = 5.0
REMIND_SECONDS = 2.0
SWITCHES_SECONDS = 1.0
"""How often it is looked whether an offer was published whose switch is off."""
CROWD_SECONDS = 0.2
DRAWS_SECONDS = 1.0
SAMPLES_SECONDS = 10.0
"""How soon reminders of appointments go out, and seats of those who did not come count as missed."""

SEGMENTS_SECONDS = 10.0
"""How often it is looked whether offers have begun to ask who shoppers are, or a count is too old."""

WALLETS_SECONDS = 1.0
"""How soon red packets go out and cashback whose day has come is credited."""

GROUPS_SECONDS = 1.0
REVEAL_SECONDS = 0.25
"""How soon after its instant a surprise price is told."""


def consumers(shop: Shop) -> list[Subscription]:
    """Who hears facts and keeps a place."""
    return [
        shop.orders.reported.subscription,
        order_mail(shop.aside),
        order_webhooks(shop.orders, shop.clock),
        merchant_mail(shop.shelf, shop.applications, shop.outbox, shop.settings.address),
        catalog_follower(shop.indexer, shop.clock),
        sales_follower(shop.aside),
        loss_guard(shop.books, shop.aside),
        stock_follower(),
        launches(shop.wishes, shop.catalog, shop.clock),
        shop.presale_desk.subscription,
        shop.cashback.subscription,
        shop.group_purchases.subscription,
        shop.shoppers.subscription(),
    ]


def chores(shop: Shop) -> list[Chore]:
    """What consumers set aside, and who does it."""
    told = (shop.outbox, shop.access.people, shop.settings.address)
    return [
        order_mail_chore(shop.orders, shop.outbox, shop.settings.address, shop.order_links),
        sales_chore(),
        Guarding(shop.orders, shop.costs, shop.guard, told, shop.clock).chore(),
        shop.cashback.chore(),
        shop.shoppers.chore(),
    ]


def jobs(shop: Shop) -> list[Job]:
    """Work over sets that the worker can be asked for."""
    return [import_job(shop.importer), forget_carts_job(shop.orders), shop.shoppers.job(), shop.partners.job()]


def _mechanics(shop: Shop, metrics: Metrics) -> list[Drain]:
    """What a festival's mechanics do when their time comes."""
    return [
        Drain("draws", shop.draws.step, idle_seconds=DRAWS_SECONDS, tally=metrics),
        Drain("presales", shop.presale_desk.step, idle_seconds=DRAWS_SECONDS, tally=metrics),
        Drain("wallets", shop.wallets.step, idle_seconds=WALLETS_SECONDS, tally=metrics),
        Drain("groups", shop.group_purchases.step, idle_seconds=GROUPS_SECONDS, tally=metrics),
        Drain("surprises", shop.surprises.step, idle_seconds=REVEAL_SECONDS, tally=metrics),
        Drain("samples", shop.samples.step, idle_seconds=SAMPLES_SECONDS, tally=metrics),
        Drain("segments", shop.shoppers.step, idle_seconds=SEGMENTS_SECONDS, tally=metrics),
        Drain("put-aside", lambda: shop.campaigns.give_back(shop.clock.now()), idle_seconds=SWITCHES_SECONDS),
        Drain("switches", lambda: shop.switches.keep(shop.clock.now()), idle_seconds=SWITCHES_SECONDS),
    ]


async def _forget_sales(shop: Shop) -> int:
    """The loss guard forgets what no window reaches."""
    async with shop.database.transaction() as tx:
        await shop.guard.sweep(tx, shop.clock.now())
    return 0


async def _forget_told(shop: Shop) -> int:
    """Reminders that were told long ago."""
    async with shop.database.transaction() as tx:
        return await shop.reminders.sweep(tx, shop.clock.now())


def _sweeps(shop: Shop, postman: Postman) -> list[Drain]:
    """What throws away what is too old to be kept."""
    return [
        Drain("old-proofs", shop.segments.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("partners", shop.partners.step, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-visits", shop.places.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-messages", postman.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("ended-sessions", shop.access.accounts.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("search-sales", shop.indexer.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-keys", shop.orders.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-codes", shop.identities.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-requests", shop.claims.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-imports", shop.import_runs.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("old-tickets", shop.gates.sweep, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("told-reminders", partial(_forget_told, shop), idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("guarded-sales", partial(_forget_sales, shop), idle_seconds=HOUSEKEEPING_SECONDS),
    ]


def _mail(shop: Shop, local: Channel) -> Channel:
    """Mails go out where a server is named, and stay on this machine otherwise."""
    server, sender = shop.settings.mail_server, shop.settings.mail_from
    return SmtpChannel(mail_server(server), sender, local, shop.clock) if server and sender else local


def drains(shop: Shop, metrics: Metrics) -> list[Drain]:
    """What the worker does by itself, again and again."""
    local = LocalChannel(shop.database, shop.clock)
    push = WebPushChannel(shop.database, shop.push_outside, shop.push_keys, shop.clock, shop.settings.address)
    channels = {ChannelKind.MAIL: _mail(shop, local), ChannelKind.SMS: local, ChannelKind.PUSH: push}
    postman = Postman(shop.database, shop.clock, channels)
    payments = PaymentsDrain(shop.database, shop.providers, shop.clock, shop.facts)

    async def receive(body: bytes, signature: str) -> None:
        async with shop.database.transaction() as tx:
            await shop.webhooks.receive_webhook(tx, body, signature)

    async def receive_all(messages: Sequence[tuple[bytes, str]]) -> Sequence[object]:
        async with shop.database.transaction() as tx:
            return await shop.webhooks.receive_webhooks(tx, messages)

    async def partitions() -> int:
        async with shop.database.transaction() as tx:
            await make_partitions(tx, shop.clock.now())
        return 0

    async def gauges() -> int:
        await measure(shop, metrics)
        return 0

    back = ComingBack(shop.database, shop.wishes, shop.catalog, shop.tallies, shop.outbox)
    news = Launches(shop.database, shop.wishes, shop.catalog, shop.outbox)
    address = shop.settings.address
    shoppers = (shop.reminders, shop.profiles, shop.orders)
    reminding = Reminding(shop.database, shop.festivals, shoppers, shop.outbox, shop.reminder_links)
    witness = Witness(shop.stage.folder, shop.database, shop.tallies, shop.orders, shop.audit, shop.clock)
    watching = [Drain("crowd", witness.step, idle_seconds=CROWD_SECONDS)] if shop.stage.is_open else []
    unhurried = Share(UNHURRIED)
    standing = Drain(
        "search-standing", shop.indexer.stand, idle_seconds=STANDING_SECONDS, share=Share(STANDING), tally=metrics
    )
    shop.hints.hear.extend((shop.indexer.hurry, lambda _: standing.wake()))
    return [
        *watching,
        Drain("orders", shop.orders.due.step, tally=metrics),
        Drain("outside-claims", shop.claims.due.step, tally=metrics),
        Drain("payments", payments.step, share=unhurried, tally=metrics),
        Drain("webhooks", lambda: shop.webhook_sender.deliver(receive, receive_all), share=unhurried, tally=metrics),
        Drain("messages", postman.step, share=unhurried, tally=metrics),
        *(
            Drain(f"aside-{one.topic}", partial(shop.aside.step, one), share=unhurried, tally=metrics)
            for one in chores(shop)
        ),
        Drain("coming-back", lambda: back.step(shop.clock, address), idle_seconds=WAITING_SECONDS, tally=metrics),
        Drain("launches", lambda: news.step(shop.clock, address), idle_seconds=WAITING_SECONDS, tally=metrics),
        Drain("reminders", lambda: reminding.step(shop.clock, address), idle_seconds=REMIND_SECONDS, tally=metrics),
        Drain("search-index", shop.indexer.step, idle_seconds=INDEX_SECONDS, tally=metrics),
        standing,
        Drain("search-restock", shop.indexer.restock, idle_seconds=RESTOCK_SECONDS, tally=metrics),
        *_mechanics(shop, metrics),
        *_sweeps(shop, postman),
        Drain("partitions", partitions, idle_seconds=HOUSEKEEPING_SECONDS),
        Drain("gauges", gauges, idle_seconds=GAUGE_SECONDS),
    ]


def webhook_sender(shop: Shop, write: Callable[[Order], Awaitable[bytes]]) -> Sender:
    """Sends what is due of orders, in the words of whoever knows the order API."""
    told = Telling(shop.orders, write)
    return order_sender(shop.database, shop.clock, shop.signing, shop.agents, told, shop.settings)


async def measure(shop: Shop, metrics: Metrics) -> None:
    """Take the figures that no single process sees."""
    async with shop.database.read() as connection:
        for consumer in consumers(shop):
            behind = await lag(connection, consumer, shop.clock)
            metrics.subscription(consumer.name, behind.seconds, behind.failure is not None)
        queue = await figures(connection, shop.clock.now())
        metrics.jobs(await job_counts(connection))
    overdue = max(0.0, (shop.clock.now() - queue.due_since).total_seconds()) if queue.due_since else 0.0
    metrics.messages(queue.queued, queue.failed, overdue)
