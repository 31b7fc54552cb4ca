"""Other shops' claims against two real web processes: a rush, repeats, and kill -9 of a process and of PostgreSQL."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from nightmarket.platform.postgres import EmbeddedPostgres
from tests.conftest import reachable_folder
from tests.terminal import Terminal, free_port

pytestmark = pytest.mark.engine

BIN = Path(sys.executable).parent
PROCESSES = 2
BUYERS = 300
UNITS = 50
OPENING_SECONDS = 300.0
PATIENCE_SECONDS = 120.0


@dataclass
class Market:
    """An open market of two web processes, and a key of another shop."""

    home: Path
    terminal: Terminal
    client: httpx.AsyncClient
    environment: dict[str, str]
    answers: Counter[int] = field(default_factory=Counter[int])

    async def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> httpx.Response:
        """Ask until there is an answer that is no failure of the server, always with the same key."""
        give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self.client.request(method, path, json=body, headers={"Idempotency-Key": key})
                self.answers[answer.status_code] += 1
                if answer.status_code < 500:
                    return answer
            except httpx.TransportError:
                self.answers[0] += 1
            assert asyncio.get_running_loop().time() < give_up, f"no answer to {method} {path}"
            await asyncio.sleep(0.1)

    async def stock(self, name: str, units: int) -> None:
        fed = await self.ask("PUT", "/stock", {"lines": [{"tally": name, "units": units}]}, key=f"stock-{name}")
        assert fed.status_code == 200, fed.text

    async def levels(self, name: str) -> tuple[int, int, int]:
        [level] = (await self.ask("GET", f"/stock?tally={name}")).json()["levels"]
        return level["available"], level["held"], level["sold"]

    async def buy(self, name: str, buyer: int) -> str:
        """Claim a unit as another shop does for its order, and settle it; both are sent twice."""
        wanted = {"lines": [{"tally": name}], "reference": f"order {buyer}", "hold_seconds": 600}
        first, again = await asyncio.gather(*(self.ask("POST", "/claims", wanted, key=f"{name}-{buyer}") for _ in "12"))
        if first.status_code == 409:
            assert first.json()["code"] == "not_enough_left"
            return "refused"
        assert (first.status_code, again.status_code) == (201, 201), (first.text, again.text)
        claim = first.json()["id"]
        assert again.json()["id"] == claim
        for settled in await asyncio.gather(*(self.ask("POST", f"/claims/{claim}/settle") for _ in "12")):
            assert (settled.status_code, settled.json()["state"]) == (200, "settled"), settled.text
        return claim

    def audit(self) -> str:
        command = [str(BIN / "nightmarket"), "audit"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def web_processes(self) -> list[psutil.Process]:
        below = psutil.Process(self.terminal.process.pid).children(recursive=True)
        return [one for one in below if "nightmarket.entrypoints.web" in " ".join(one.cmdline())]


@pytest.fixture(scope="module")
async def market(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Market]:
    folder = reachable_folder("claims")
    home, port = folder / "home", free_port()
    environment = os.environ | {
        "NIGHTMARKET_HOME": str(home),
        "PORT": str(port),
        "NIGHTMARKET_WORKERS": str(PROCESSES),
    }
    terminal = Terminal([str(BIN / "nightmarket"), "up"], environment)
    try:
        give_up = asyncio.get_running_loop().time() + OPENING_SECONDS
        while not terminal.heard("Ctrl-C stops all of it"):
            assert terminal.process.poll() is None, terminal.said
            assert asyncio.get_running_loop().time() < give_up, terminal.said
            await asyncio.sleep(0.1)
        issue = [str(BIN / "nightmarket"), "key", "issue", "another shop", "claims", "stock:write"]
        said = await asyncio.to_thread(subprocess.check_output, issue, env=environment, text=True)
        headers = {"Authorization": f"Bearer {said.split()[-1]}"}
        limits = httpx.Limits(max_connections=48)
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=60) as client:
            yield Market(home, terminal, client, environment)
        assert terminal.stop() == 0, terminal.said
    finally:
        terminal.clear_away()
        EmbeddedPostgres(home).stop()
        subprocess.run(["rm", "-rf", str(folder)], check=True)


async def test_three_hundred_buyers_for_fifty_units(market: Market) -> None:
    """In two processes exactly fifty claims are granted and settled, everyone else is refused clearly, nothing fails,
    and the audit is clean."""
    assert len(market.web_processes()) == PROCESSES
    await market.stock("rush", UNITS)
    outcomes = await asyncio.gather(*(market.buy("rush", buyer) for buyer in range(BUYERS)))
    assert Counter(outcomes)["refused"] == BUYERS - UNITS
    assert len(set(outcomes) - {"refused"}) == UNITS
    assert await market.levels("rush") == (0, 0, UNITS)
    assert not {status for status in market.answers if status >= 500 or status == 0}
    assert "Everything adds up." in market.audit()


async def test_kills_in_the_middle(market: Market) -> None:
    """A web process, then PostgreSQL, is killed while three hundred buyers claim and settle: whoever repeats with the
    same key gets one answer, fifty units are sold, each once, and the audit is clean."""
    await market.stock("kill", UNITS)
    market.answers.clear()
    buyers = [asyncio.create_task(market.buy("kill", buyer)) for buyer in range(BUYERS)]
    for victim in ("web", "postgres"):
        before = market.answers.total()
        while market.answers.total() < before + 20 and not all(buyer.done() for buyer in buyers):
            await asyncio.sleep(0.005)
        pid = market.web_processes()[0].pid if victim == "web" else EmbeddedPostgres(market.home).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    assert not all(buyer.done() for buyer in buyers), "the kills came too late to prove anything"
    outcomes = await asyncio.gather(*buyers)
    assert Counter(outcomes)["refused"] == BUYERS - UNITS
    assert len(set(outcomes) - {"refused"}) == UNITS
    assert await market.levels("kill") == (0, 0, UNITS)
    assert "Everything adds up." in market.audit()


async def test_what_is_released_and_what_lapses_is_bought_by_others(market: Market) -> None:
    """Of fifty units half are released and half are forgotten; both come back by themselves and are sold again, and who
    settles a forgotten one too late is told so."""
    await market.stock("back", UNITS)

    async def hold(buyer: int) -> str:
        wanted = {"lines": [{"tally": "back"}], "reference": f"first {buyer}", "hold_seconds": 2}
        made = await market.ask("POST", "/claims", wanted, key=f"first-{buyer}")
        assert made.status_code == 201
        return made.json()["id"]

    claims = await asyncio.gather(*(hold(buyer) for buyer in range(UNITS)))
    released = await asyncio.gather(*(market.ask("POST", f"/claims/{id}/release") for id in claims[: UNITS // 2]))
    assert {answer.json()["state"] for answer in released} <= {"released", "lapsed"}
    give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while await market.levels("back") != (UNITS, 0, 0):
        assert asyncio.get_running_loop().time() < give_up, "nothing lapsed"
        await asyncio.sleep(0.1)
    late = await market.ask("POST", f"/claims/{claims[-1]}/settle")
    assert (late.status_code, late.json()["code"], late.json()["fields"]) == (409, "claim_ended", {"state": "lapsed"})
    outcomes = await asyncio.gather(*(market.buy("back", buyer) for buyer in range(BUYERS)))
    assert Counter(outcomes)["refused"] == BUYERS - UNITS
    assert await market.levels("back") == (0, 0, UNITS)
    assert "Everything adds up." in market.audit()
