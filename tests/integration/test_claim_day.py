"""A day of another shop from one seed: every answer is predicted by a model that knows no database."""

import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine

COMMANDS = 500
NAMES = ("a", "b", "c")
SEEDS = (11, 1111, 2026)


@dataclass
class Held:
    """A claim as the model knows it."""

    request: Any
    lines: dict[str, int]
    deadline: datetime
    state: str = "held"
    id: str = ""


@dataclass
class Shelf:
    """What the model counts: on the shelf (held ones among it), held, sold."""

    there: dict[str, int] = field(default_factory=dict[str, int])
    held: dict[str, int] = field(default_factory=dict[str, int])
    sold: dict[str, int] = field(default_factory=dict[str, int])
    claims: dict[str, Held] = field(default_factory=dict[str, Held])
    fed: dict[str, Any] = field(default_factory=dict[str, Any])

    def free(self, name: str) -> int:
        return self.there.get(name, 0) - self.held.get(name, 0)

    def claim(self, key: str, request: Any, now: datetime) -> tuple[int, str]:
        known = self.claims.get(key)
        if known is not None:
            return (201, known.state) if known.request == request else (409, "claim_key_reused")
        lines: dict[str, int] = {}
        for line in request["lines"]:
            lines[line["tally"]] = lines.get(line["tally"], 0) + line["quantity"]
        if any(name not in self.there for name in lines):
            return 422, "item_unknown"
        if any(self.free(name) < quantity for name, quantity in lines.items()):
            return 409, "not_enough_left"
        for name, quantity in lines.items():
            self.held[name] = self.held.get(name, 0) + quantity
        self.claims[key] = Held(request, lines, now + timedelta(seconds=request["hold_seconds"]))
        return 201, "held"

    def end(self, claim: Held, to: str) -> tuple[int, str]:
        if claim.state == "held":
            claim.state = to
            for name, quantity in claim.lines.items():
                self.held[name] -= quantity
                if to == "settled":
                    self.there[name] -= quantity
                    self.sold[name] = self.sold.get(name, 0) + quantity
        if claim.state == to or (to == "released" and claim.state == "lapsed"):
            return 200, claim.state
        return 409, "claim_ended"

    def lapse(self, now: datetime) -> int:
        due = [claim for claim in self.claims.values() if claim.state == "held" and claim.deadline <= now]
        for claim in due:
            self.end(claim, "lapsed")
        return len(due)

    def feed(self, key: str, request: Any) -> tuple[int, str]:
        if key in self.fed:
            return (200, "") if self.fed[key] == request else (409, "claim_key_reused")
        after = dict(self.there)
        for line in request["lines"]:
            name = line["tally"]
            after[name] = line["units"] if "units" in line else after.get(name, 0) + line["change"]
        if any(after[line["tally"]] < self.held.get(line["tally"], 0) for line in request["lines"]):
            return 409, "stock_held"
        self.there = after
        self.fed[key] = request
        return 200, ""


@dataclass
class Client:
    """The other shop's client."""

    opened: Opened
    clock: VirtualClock
    token: str

    async def ask(self, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return await self.opened.client.request(method, path, json=body, headers=headers)


@pytest.fixture
async def client(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Client]:
    clock = VirtualClock(FESTIVAL_EVE)
    async with opened(fresh_database, tmp_path, clock) as shop:
        wanted = NewKey("a shop", frozenset({Scope.CLAIMS, Scope.STOCK_WRITE}))
        [issued] = await shop.shop.access.keys.issue(SYSTEM, [wanted])
        yield Client(shop, clock, issued.token)


def _found(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body.get("state") or body.get("code", "")


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_answer_is_predicted(client: Client, seed: int) -> None:
    """Five hundred commands at random, repeats and misuse among them: each is answered as the model says, the levels
    agree after each feed and at the end, and the audit is clean."""
    chance, shelf = random.Random(seed), Shelf()
    seen: set[tuple[str, int, str]] = set()
    for number in range(COMMANDS):
        what = chance.choices(("claim", "settle", "release", "feed", "time"), (40, 20, 14, 14, 12))[0]
        expected: tuple[int, str] = (0, "")
        if what == "claim":
            names = chance.choices((*NAMES, "nowhere"), (30, 30, 30, 3), k=chance.randint(1, 3))
            lines = [{"tally": name, "quantity": chance.randint(1, 4)} for name in names]
            request = {"lines": lines, "reference": f"{number}", "hold_seconds": chance.choice((1, 30, 600))}
            key = f"claim-{number}"
            if shelf.claims and chance.random() < 0.15:
                key = chance.choice(list(shelf.claims))
                if chance.random() < 0.5:
                    request = shelf.claims[key].request
            expected = shelf.claim(key, request, client.clock.now())
            answer = await client.ask("POST", "/claims", request, key)
            if answer.status_code == 201:
                shelf.claims[key].id = answer.json()["id"]
        elif what in ("settle", "release"):
            if not shelf.claims:
                continue
            claim = chance.choice(list(shelf.claims.values())[-12:])
            expected = shelf.end(claim, f"{what}d")
            answer = await client.ask("POST", f"/claims/{claim.id}/{what}")
        elif what == "feed":
            key = chance.choice(list(shelf.fed)) if shelf.fed and chance.random() < 0.2 else f"feed-{number}"
            lines = [
                {"tally": name, **chance.choice(({"units": chance.randint(0, 25)}, {"change": chance.randint(-6, 8)}))}
                for name in chance.sample(NAMES, chance.randint(1, 3))
            ]
            request = {"lines": lines}
            if key in shelf.fed and chance.random() < 0.5:
                request = shelf.fed[key]
            expected = shelf.feed(key, request)
            answer = await client.ask("PUT", "/stock", request, key)
        else:
            client.clock.advance(timedelta(seconds=chance.randint(1, 40)))
            assert await client.opened.shop.claims.due.step() == shelf.lapse(client.clock.now())
            continue
        assert _found(answer) == expected, (number, what, answer.text)
        seen.add((what, *expected))
    levels = (await client.ask("GET", "/stock?" + "&".join(f"tally={name}" for name in NAMES))).json()["levels"]
    assert {one["tally"]: (one["available"], one["held"], one["sold"]) for one in levels} == {
        name: (shelf.free(name), shelf.held.get(name, 0), shelf.sold.get(name, 0)) for name in shelf.there
    }
    assert {
        ("claim", 409, "not_enough_left"),
        ("claim", 409, "claim_key_reused"),
        ("settle", 409, "claim_ended"),
    } <= seen
    assert {("release", 409, "claim_ended"), ("feed", 409, "stock_held"), ("feed", 409, "claim_key_reused")} <= seen
    assert await client.opened.shop.audit.findings() == []
