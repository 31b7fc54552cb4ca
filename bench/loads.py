"""The loads of bench/measure.py: each prepares what it needs, drives the shop with wrk, and counts in the database."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import psutil

from bench.in_use import rest
from bench.measure import BENCH, cpu, family, latency, refused, settle
from nightmarket.bootstrap import PROVIDER, Shop, consumers, open_shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.kernel.ids import SeededIds, derive, encode
from nightmarket.orders import store
from nightmarket.orders.contract import (
    TRANSFER,
    CartLine,
    Contact,
    Destination,
    SessionBody,
    SessionKind,
    SessionState,
)
from nightmarket.orders.model.session import SESSION_LIFE
from nightmarket.platform.aside import waiting
from nightmarket.platform.settings import read_settings
from nightmarket.platform.subscriptions import lag
from nightmarket.platform.telemetry.exchange import PUBLISH_SECONDS
from nightmarket.promotions.contract import Condition, Offer, PercentOff

SEED = 11
VARIANTS = 10_000
MERCHANTS = 4
STOCK = 10_000_000
OWNER = derive("agent", 'profile="http://127.0.0.1/bench"')
LIVE_OFFERS = 1_000
PUBLISHED = 100
"""Offers of one transaction: few enough for the two seconds that it may last, on a slow machine too."""

BOOK_SECONDS = 3
"""Within this the web processes have read a new book."""

PROBE_SECONDS = 4
MOST_PER_SECOND = 20_000
SHARE = 0.8
FOLD = 3
"""The overload offers so many times the best load."""

BEST_CONNECTIONS = 1_024
"""Nobody is refused, and of 512 and 1,024 it was the better when both were last tried (`b84fb0b`)."""

PROXY_CONNECTIONS, OWN_CONNECTIONS = 3_000, 9_000
"""Of a proxy: twice as many as may wait, so that there is always one to ask on. Of clients: more than a shop of two
processes lets wait."""

BEST_AT_LEAST = 6_000
"""Sessions made ready for each second of the best load, however slow the warm-up was: a load that runs out of them
measures nothing."""

REFUSAL_SECONDS = 4
LEAD_SECONDS = 4
"""Opening nine thousand connections takes the shop a second: the overload is counted once they are there."""

BODIES = 1_000
SESSION_COLUMNS = ("id", "owner", "kind", "state", "request", "body", "created_at", "expires_at", "prepared")


@dataclass(frozen=True)
class Load:
    """How long, how fast at most (sessions are prepared for that), at which rate (0: as it answers), and how."""

    seconds: int
    most: float = 0.0
    rate: float = 0.0
    hot: bool = False
    prefix: tuple[str, ...] = ()
    connections: int = 0
    lead: int = 0
    """Seconds under load before anything is counted."""

    proxy: bool = False
    """Whether a proxy asks, whose connections the shop reads on after a refusal."""


class Loads:
    """A running shop, filled, and what it is loaded with."""

    def __init__(
        self, chosen: argparse.Namespace, folder: Path, up: psutil.Process, environment: dict[str, str], url: str
    ) -> None:
        self._chosen = chosen
        self._folder = folder
        self._up = up
        secret = (folder / "home" / "secret").read_text().strip()
        self._settings = read_settings(environment, {"database_url": url, "secret": secret})
        self._listings: list[tuple[UUID, UUID]] = []
        self._chance = random.Random(SEED)
        self._prepared = 0
        self._rate = 0.0

    async def fill(self) -> None:
        """Import the assortment."""
        file = self._folder / "goods.jsonl"
        with file.open("w") as out:
            for number in range(VARIANTS):
                row = {
                    "merchant": f"bench-{number % MERCHANTS}",
                    "product": f"thing-{number}",
                    "category": "things",
                    "texts": {"en": {"title": f"Thing {number}"}},
                    "variants": [
                        {"sku": f"T{number}", "prices": {"EUR": f"{5 + number % 90}.90"}, "stock": {"main": STOCK}}
                    ],
                }
                out.write(json.dumps(row) + "\n")
        async with open_shop(self._settings) as shop:
            report = await shop.importer.run_import(ImportRequest(file=str(file)))
            assert report.variants.created == VARIANTS, report
            for number in range(VARIANTS):
                variant = await shop.catalog.find(f"bench-{number % MERCHANTS}", f"T{number}")
                assert variant is not None
                self._listings.append((variant, (await shop.catalog.listings([variant]))[variant].merchant))

    async def created(self, _: dict[str, Any]) -> dict[str, Any]:
        """Orders by bank transfer: claim, commit, answer."""
        probe = await self._complete(TRANSFER, Load(PROBE_SECONDS, MOST_PER_SECOND))
        return await self._complete(TRANSFER, Load(self._chosen.seconds, probe["per_second"] * 1.5))

    async def hot(self, runs: dict[str, Any]) -> dict[str, Any]:
        """As created, with one line of every order the same variant."""
        return await self._complete(TRANSFER, Load(self._chosen.other_seconds, _room(runs), hot=True))

    async def offers(self, runs: dict[str, Any]) -> dict[str, Any]:
        """As created, with LIVE_OFFERS offers in the book, of which each line of every order has one."""
        async with open_shop(self._settings) as shop:
            now = shop.clock.now()
            ids = SeededIds(shop.clock, seed=SEED)
            step = VARIANTS // LIVE_OFFERS
            made = [
                Offer(
                    ids.new(),
                    1,
                    {"en": f"Bench {n}"},
                    PercentOff(1000),
                    now,
                    now + timedelta(days=1),
                    Condition(variants=frozenset(variant for variant, _ in self._listings[n * step : (n + 1) * step])),
                )
                for n in range(LIVE_OFFERS)
            ]
            await _publish(shop, made)
        try:
            probe = await self._complete(TRANSFER, Load(PROBE_SECONDS, MOST_PER_SECOND))
            run = await self._complete(TRANSFER, Load(self._chosen.other_seconds, probe["per_second"] * 1.5))
        finally:
            async with open_shop(self._settings) as shop, shop.database.transaction() as tx:
                for start in range(0, LIVE_OFFERS, PUBLISHED):
                    chunk = [one.id for one in made[start : start + PUBLISHED]]
                    await shop.offers.retire(tx, chunk, shop.clock.now())
        without = runs.get("created", {}).get("per_second")
        share = round(run["per_second"] / without, 3) if without else None
        return {"live_offers": LIVE_OFFERS, "share_of_without": share} | run

    async def paid(self, runs: dict[str, Any]) -> dict[str, Any]:
        """At the test provider: claim, authorise, settle, answer."""
        return await self._complete(PROVIDER, Load(self._chosen.other_seconds, _room(runs)))

    async def eighty(self, runs: dict[str, Any]) -> dict[str, Any]:
        """As created, at 80 % of what was reached."""
        best = runs.get("created") or await self._complete(TRANSFER, Load(PROBE_SECONDS, MOST_PER_SECOND))
        rate = best["per_second"] * SHARE
        load = Load(self._chosen.other_seconds, rate * 1.2, rate)
        return {"offered": round(rate)} | await self._complete(TRANSFER, load)

    async def sessions(self, _: dict[str, Any]) -> dict[str, Any]:
        """Checkout sessions with two lines, buyer, address and delivery, by the API."""
        return await self._by_script("sessions.lua", self._chosen.other_seconds, "sessions")

    async def whole(self, _: dict[str, Any]) -> dict[str, Any]:
        """Create with two lines, update with buyer, address and delivery, complete by transfer."""
        return await self._by_script("whole.lua", self._chosen.other_seconds, "placed")

    async def overload(self, _: dict[str, Any]) -> dict[str, Any]:
        """The shop on one core, wrk on another: what is left of the best load at three times of it, offered at an even
        rate by so many connections that whoever waits keeps nobody from asking. They are a proxy's, so that each
        request reaches the shop and is answered; then the clients' own, which the shop lets rest after a refusal.

        Each stands between two runs of the best load, which refuses nobody, and is compared with both: the best itself
        differs from run to run, and takes more time as the shop fills. A short run that is not counted warms up."""
        if (os.cpu_count() or 1) < 2:
            return {}
        all_cores = os.sched_getaffinity(0)
        server, generator = sorted(all_cores)[:2]
        _pin(self._up, {server})
        try:
            seconds = self._chosen.other_seconds
            pinned = Load(
                seconds,
                prefix=("taskset", "-c", str(generator)),
                lead=LEAD_SECONDS,
                connections=BEST_CONNECTIONS,
            )
            warming = replace(pinned, seconds=PROBE_SECONDS, most=MOST_PER_SECOND / 3, lead=0)
            warm = (await self._complete(TRANSFER, warming))["per_second"]
            at_best = replace(pinned, most=max(warm * 1.5, BEST_AT_LEAST))
            bests = [await self._complete(TRANSFER, at_best)]
            rate = bests[0]["per_second"] * FOLD
            load = replace(pinned, most=rate * 1.2, rate=rate)
            proxied = await self._overloaded(replace(load, proxy=True, connections=PROXY_CONNECTIONS))
            bests.append(await self._complete(TRANSFER, at_best))
            own = await self._overloaded(replace(load, connections=OWN_CONNECTIONS))
            bests.append(await self._complete(TRANSFER, at_best))
            refusal = self._refusal((server, generator))
        finally:
            _pin(self._up, all_cores)
        shares = {"proxied": _left(proxied, bests[:2], pinned), "own": _left(own, bests[1:], pinned)}
        return {
            "best_per_second": round(fmean(one["per_second"] for one in bests)),
            "bests_per_second": [one["per_second"] for one in bests],
            "offered_per_second": round(rate),
            **shares,
            "goodput_share": min(one["goodput_share"] for one in shares.values()),
            "refusal_us": refusal["us"],
            "runs": {"bests": bests, "proxied": proxied, "own": own},
            "refused_at_best": sum(one["refused"] for one in bests),
            "audit_findings": sum(one["audit_findings"] for one in (*bests, proxied, own)),
        }

    async def _overloaded(self, load: Load) -> dict[str, Any]:
        before = self._answered()
        run = await self._complete(TRANSFER, load)
        served = within(before, self._answered(), 0.99)
        return run | {"p99_of_the_served_is_under_ms": served and served * 1e3}

    def _answered(self) -> dict[float, float]:
        """How many completions took up to so many seconds, of all web processes."""
        time.sleep(PUBLISH_SECONDS * 1.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._chosen.port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        sums: dict[float, float] = {}
        for line in text.splitlines():
            if line.startswith("nightmarket_http_request_seconds_bucket") and "/complete" in line and "2xx" in line:
                bound = float(line.split('le="')[1].split('"')[0])
                sums[bound] = sums.get(bound, 0.0) + float(line.rsplit(" ", 1)[1])
        return sums

    def _refusal(self, cores: tuple[int, int]) -> dict[str, float]:
        """What one refusal costs, measured apart."""
        environment = {
            **os.environ,
            "DATABASE_URL": self._settings.database_url or "",
            "NIGHTMARKET_SECRET": self._settings.secret or "",
            "NIGHTMARKET_HOME": str(self._folder / "refusals"),
        }
        command = [sys.executable, "-m", "bench.refusals", str(self._chosen.port + 1), str(REFUSAL_SECONDS)]
        command += [str(core) for core in cores] + [str(self._folder / "ids"), str(self._folder / "body")]
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=BENCH.parent)
        return json.loads(run.stdout.splitlines()[-1])

    async def audit(self) -> int:
        """What the whole audit finds."""
        async with open_shop(self._settings) as shop:
            return len(await shop.audit.findings())

    async def _complete(self, handler: str, load: Load) -> dict[str, Any]:
        """Prepare sessions, load, count."""
        ids, body = self._folder / "ids", self._folder / "body"
        body.write_text(json.dumps(payment(handler)))
        async with open_shop(self._settings) as shop:
            amount = round(min(load.most, MOST_PER_SECOND) * (load.lead + load.seconds))
            await self._prepare(shop, amount, ids, hot=load.hot)
        await rest(self._settings.database_url)
        await asyncio.to_thread(settle, self._up)
        script = "paced.lua" if load.rate else "complete.lua"
        arguments = [str(ids), str(body), str(load.rate), "proxy" if load.proxy else ""]
        kind = "paid" if handler == PROVIDER else "placed"
        return await self._load(script, arguments, kind, load)

    async def _by_script(self, script: str, seconds: int, kind: str) -> dict[str, Any]:
        """Sessions by the API: bodies for wrk to choose from."""
        made, ready = self._folder / "made", self._folder / "ready"
        with made.open("w") as first, ready.open("w") as second:
            for _ in range(BODIES):
                wanted, whole = wishes(self._chance.sample(self._listings, 2))
                first.write(json.dumps(whole if kind == "sessions" else wanted) + "\n")
                second.write(json.dumps(whole) + "\n")
        body = self._folder / "body"
        body.write_text(json.dumps(payment(TRANSFER)))
        self._prepared += 1
        return await self._load(script, [str(made), str(ready), str(body), str(self._prepared)], kind, Load(seconds))

    async def _load(self, script: str, arguments: Sequence[str], kind: str, load: Load) -> dict[str, Any]:
        async with self._looking() as shop:
            running = asyncio.create_task(asyncio.to_thread(self._wrk, script, arguments, load))
            await asyncio.sleep(load.lead)
            asked = time.monotonic()
            done = (await counts(shop))[kind]
            started = (asked + time.monotonic()) / 2  # a busy machine answers late, and goes on selling meanwhile
            before = cpu(self._up)
            text, used = await running
            took, after = time.monotonic() - started, cpu(self._up)
            behind = await behindhand(shop)
            amount = (await counts(shop))[kind] - done
            findings = [*await shop.orders.audit()]
            async with shop.database.read() as connection:
                findings += await shop.tallies.audit(connection)
                aside = {one.topic: one.things for one in await waiting(connection)}
        used *= load.seconds / (load.lead + load.seconds)
        spent = {part: after[part] - before[part] for part in before} | {"wrk": used}
        return {
            "amount": amount,
            "orders": amount,
            "per_second": round(amount / took),
            "p50_ms": latency(text, "50%"),
            "p99_ms": latency(text, "99%"),
            "refused": refused(text),
            "audit_findings": len(findings),
            "cpu_us_per_order": {part: round(one / max(amount, 1) * 1e6, 1) for part, one in spent.items()},
            "cores_used": {part: round(one / took, 2) for part, one in spent.items()},
            "consumer_lag_seconds": round(max(behind.values()), 2),
            "furthest_behind": max(behind, key=behind.__getitem__),
            "set_aside": aside,
            "load_after": round(os.getloadavg()[0], 1),
        }

    def _wrk(self, script: str, arguments: Sequence[str], load: Load) -> tuple[str, float]:
        """Run wrk; returns what it printed and the processor seconds it used."""
        many = load.connections or self._chosen.connections
        command = [
            *load.prefix,
            "wrk",
            "--latency",
            "-t1",
            f"-c{many}",
            f"-d{load.lead + load.seconds}s",
            "--timeout",
            "10s",
        ]
        command += ["-s", str(BENCH / script), f"http://127.0.0.1:{self._chosen.port}", "--", *arguments]
        before = os.times()
        environment = {**os.environ, "BENCH": str(BENCH)}
        text = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        after = os.times()
        return text, after.children_user + after.children_system - before.children_user - before.children_system

    @asynccontextmanager
    async def _looking(self) -> AsyncGenerator[Shop]:
        async with open_shop(self._settings) as shop:
            yield shop

    async def _prepare(self, shop: Shop, amount: int, file: Path, *, hot: bool) -> None:
        """Write ready sessions as the shop would, by COPY, and their ids for wrk."""
        chance, listings = self._chance, self._listings
        now = shop.clock.now()
        ids = SeededIds(shop.clock, seed=chance.randrange(2**32))
        contact = Contact("bench@example.com", "Bench", "Buyer")
        home = Destination(country="DE", street="Messgasse 1", city="Nachtstadt", postal_code="11111")
        with file.open("w") as out:
            for start in range(0, amount, 10_000):
                rows: list[tuple[Any, ...]] = []
                for _ in range(min(10_000, amount - start)):
                    first = 0 if hot else chance.randrange(VARIANTS)
                    second = (first + 1 + chance.randrange(VARIANTS - 1)) % VARIANTS
                    pair = (listings[first], listings[second])
                    body = SessionBody(
                        currency="EUR",
                        language="en",
                        lines=tuple(CartLine(f"li_{n}", variant, 1) for n, (variant, _) in enumerate(pair, 1)),
                        contact=contact,
                        destination=home,
                        options={merchant.hex: "standard" for _, merchant in pair},
                    )
                    id = ids.new()
                    out.write(encode("chk", id) + "\n")
                    rows.append(await written(shop, id, body, now))
                async with shop.database.transaction() as tx:
                    await tx.copy_records_to_table(
                        "session", schema_name="orders", columns=SESSION_COLUMNS, records=rows
                    )


async def _publish(shop: Shop, offers: Sequence[Offer]) -> None:
    """Put offers into the book, and wait until the web processes have read it."""
    for start in range(0, len(offers), PUBLISHED):
        async with shop.database.transaction() as tx:
            await shop.offers.publish(tx, offers[start : start + PUBLISHED], shop.clock.now())
    await asyncio.sleep(BOOK_SECONDS)


async def written(shop: Shop, id: UUID, body: SessionBody, now: datetime) -> tuple[Any, ...]:
    """A ready session's row, in SESSION_COLUMNS, as the shop writes it: with the order that would come of it."""
    desk, kind = shop.orders.sessions, SessionKind.CHECKOUT
    body, _, goods = await desk.assess((id, OWNER), body, now)
    prepared = desk.prepared(OWNER, kind, body, goods, now)
    return id, OWNER, kind, SessionState.READY, b"bench", store.PACK.encode(body), now, now + SESSION_LIFE, prepared


def payment(handler: str) -> dict[str, Any]:
    credential = {"type": "token", "token": "success_token"}
    return {"payment": {"instruments": [{"id": "i", "handler_id": handler, "type": "card", "credential": credential}]}}


def wishes(pair: Sequence[tuple[UUID, UUID]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request for two things, and the same with all that is needed to complete it."""
    wanted: dict[str, Any] = {
        "line_items": [{"item": {"id": encode("var", variant)}, "quantity": 1} for variant, _ in pair]
    }
    home = {
        "id": "home",
        "street_address": "Messgasse 1",
        "address_locality": "Nachtstadt",
        "postal_code": "11111",
        "address_country": "DE",
    }
    groups = [
        {"id": encode("grp", merchant), "selected_option_id": "standard"} for merchant in {one for _, one in pair}
    ]
    method = {"type": "shipping", "destinations": [home], "selected_destination_id": "home", "groups": groups}
    buyer = {"email": "bench@example.com", "first_name": "Bench", "last_name": "Buyer"}
    return wanted, wanted | {"buyer": buyer, "fulfillment": {"methods": [method]}}


async def counts(shop: Shop) -> dict[str, int]:
    """Orders placed and paid so far, from the facts; and sessions."""
    async with shop.database.read() as connection:
        row = await connection.fetchrow(
            """
            SELECT coalesce(sum(amount) FILTER (WHERE kind = 'orders.placed'), 0) AS placed,
                coalesce(sum(amount) FILTER (WHERE kind = 'orders.paid'), 0) AS paid,
                (SELECT count(*) FROM orders.session) AS sessions FROM platform.fact
            """
        )
    assert row is not None
    return dict(row)


async def behindhand(shop: Shop) -> dict[str, float]:
    """How far behind each consumer of facts is, in seconds."""
    async with shop.database.read() as connection:
        return {one.name: (await lag(connection, one, shop.clock)).seconds for one in consumers(shop)}


def within(before: dict[float, float], after: dict[float, float], share: float) -> float | None:
    """The least bound within which so large a share of the answers between two looks came, in seconds."""
    amounts = {bound: amount - before.get(bound, 0.0) for bound, amount in sorted(after.items())}
    whole = max(amounts.values(), default=0.0)
    return next((bound for bound, amount in amounts.items() if whole and amount >= whole * share), None)


def per_core(run: dict[str, Any]) -> float:
    """Orders that a second of the shop's processor time makes, refusals included."""
    return run["per_second"] / max(sum(used for part, used in run["cores_used"].items() if part != "wrk"), 0.01)


def _left(run: dict[str, Any], bests: Sequence[dict[str, Any]], load: Load) -> dict[str, Any]:
    """What an overload left of the best; by processor time too, since others may work on the machine. Fewer arrive than
    are offered: whoever waits for an answer does not ask again meanwhile."""
    best, by_core = fmean(one["per_second"] for one in bests), fmean(per_core(one) for one in bests)
    refused_per_second = run["refused"] / (load.seconds + load.lead)
    return {
        "goodput_per_second": run["per_second"],
        "goodput_share": round(run["per_second"] / max(best, 1), 3),
        "share_by_processor_time": round(per_core(run) / by_core, 3),
        "refused_per_second": round(refused_per_second),
        "arrived_times_best": round((run["per_second"] + refused_per_second) / max(best, 1), 2),
        "p99_of_the_served_is_under_ms": run["p99_of_the_served_is_under_ms"],
    }


def _room(runs: dict[str, Any]) -> float:
    """Orders per second to prepare for, after what was reached."""
    return runs["created"]["per_second"] * 1.5 if "created" in runs else MOST_PER_SECOND / 4


def _pin(up: psutil.Process, cores: set[int]) -> None:
    """Let the shop run on these cores only: all threads of all its processes."""
    for process in family(up):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores)
