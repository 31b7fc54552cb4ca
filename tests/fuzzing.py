"""A running shop for schemathesis: a web process on a port, goods, an API key, and one thing of each kind."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.platform.settings import Settings, as_environment
from tests import placing
from tests.open_shop import SECRET, opened
from tests.terminal import Terminal, eventually, free_port

HOOKS = "tests.contract.schemathesis_hooks"
PATIENCE_SECONDS = 3_600
ROOT = Path(__file__).resolve().parent.parent
SCOPES = frozenset(
    {Scope.CHECKOUT, Scope.CLAIMS, Scope.STOCK_READ, Scope.STOCK_WRITE, Scope.OFFERS_READ, Scope.OFFERS_WRITE}
)
TALLY = "FUZZED"


SEED = 1111
UCP_SPEC = ROOT.parent / "shared/data/ucp-spec/source"
UCP_NAMES = "https://ucp.dev/schemas/"
"""How UCP's schemas name one another. Followed as they stand, each name would be asked of the internet."""

COUNTED = re.compile(r"(\d+) generated")
OPERATIONS = re.compile(r"Selected: (\d+)/\d+\s+Tested: (\d+)")


@dataclass
class Ran:
    """What one run of schemathesis came to."""

    code: int
    said: str

    @property
    def cases(self) -> int:
        found = COUNTED.search(self.said)
        return int(found[1]) if found else 0

    @property
    def operations(self) -> tuple[int, int]:
        """How many it was to ask, and how many it did ask."""
        found = OPERATIONS.search(self.said)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def failures(self) -> list[str]:
        """The kinds of failures; `Schema Error` is none: some schemas are more than it can make up a request for."""
        broken = re.findall(r"🚫 ([A-Z][\w ]+): \d+", self.said)
        found = re.findall(r"❌ ([A-Z][^:\n]*): \d+", self.said)
        return found + [name for name in broken if name != "Schema Error"]


def local_spec(folder: Path) -> Path:
    """UCP's specification, copied so that its schemas refer to the files beside them; returns its description."""
    shutil.copytree(UCP_SPEC, folder, dirs_exist_ok=True)
    for file in folder.rglob("*.json"):
        file.write_text(file.read_text().replace(UCP_NAMES, f"{(folder / 'schemas').as_uri()}/"))
    return folder / "services/shopping/rest.openapi.json"


@dataclass
class Fuzzed:
    """Where the shop listens, and what in it can be named."""

    url: str
    token: str
    things: dict[str, list[str]]
    shop: Terminal


@contextmanager
def fuzzed(database: str, home: Path) -> Generator[Fuzzed]:
    """Serve a shop with a few goods until the block ends."""
    token, items = asyncio.run(_stocked(database, home))
    port = free_port()
    settings = Settings(database_url=database, secret=SECRET, home=home, port=port)
    command = [sys.executable, "-m", "nightmarket.entrypoints.web", "web-1"]
    running = Terminal(command, as_environment(settings))
    try:
        url = f"http://127.0.0.1:{port}"
        eventually("an open shop", lambda: _is_ready(url) or running.process.poll() is not None)
        yield Fuzzed(url, token, _things(url, token, items), running)
    finally:
        running.clear_away()


async def _stocked(database: str, home: Path) -> tuple[str, list[str]]:
    async with opened(database, home) as shop:
        [issued] = await shop.shop.access.keys.issue(SYSTEM, [NewKey("schemathesis", SCOPES)])
        return issued.token, list(shop.items.values())


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _things(url: str, token: str, items: list[str]) -> dict[str, list[str]]:
    """An order, open checkouts that lack nothing, a cart, and another shop's stock, claims and offers, all of the
    key's."""

    def headers() -> dict[str, str]:
        return {"authorization": f"Bearer {token}", "idempotency-key": str(uuid4())}

    basket = placing.basket(items[:2])
    with httpx.Client(base_url=url, timeout=60) as client:
        sessions: list[str] = []
        for _ in range(6):
            made = client.post(placing.SESSIONS, json=basket, headers=headers()).json()
            path = f"{placing.SESSIONS}/{made['id']}"
            client.put(path, json=placing.delivered(basket, made), headers=headers()).raise_for_status()
            sessions.append(made["id"])
        path = f"{placing.SESSIONS}/{sessions[0]}/complete"
        done = client.post(path, json=placing.payment(), headers=headers()).json()
        cart = client.post("/ucp/carts", json=basket, headers=headers()).json()
        stock = {"lines": [{"tally": TALLY, "units": 1_000_000}]}
        client.put("/stock", json=stock, headers=headers()).raise_for_status()
        claim = {"lines": [{"tally": TALLY, "quantity": 1}], "reference": "fuzzed"}
        claims = [client.post("/claims", json=claim, headers=headers()).json()["id"] for _ in range(6)]
        now = datetime.now(UTC)
        offer = {
            "name": {"en": "A tenth off"},
            "effect": {"type": "percent", "basis_points": 1_000},
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat(),
        }
        offers = client.post("/offers", json={"offers": [offer] * 3}, headers=headers()).json()["offers"]
    known = {"items": items, "sessions": sessions, "carts": [cart["id"]], "orders": [done["order"]["id"]]}
    return {**known, "claims": claims, "offers": offers, "tallies": [TALLY]}


def schemathesis(
    shop: Fuzzed, location: str, options: Sequence[str], environment: Mapping[str, str] | None = None
) -> Ran:
    """Run its command against the shop, with the same seed always."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        location,
        f"--header=Authorization:Bearer {shop.token}",
        "--workers=1",
        f"--seed={SEED}",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--continue-on-failure",
        "--no-color",
        *options,
    ]
    told = {"SCHEMATHESIS_HOOKS": HOOKS, "FUZZ_THINGS": json.dumps(shop.things), **(environment or {})}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **told, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    return Ran(done.returncode, done.stdout + done.stderr)
