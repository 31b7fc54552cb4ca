"""kill -9 in the middle of an import: the next one goes on behind the last set, with all that had been refused."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from nightmarket.catalog.contract import Counts, ImportReport, ImportRequest, Remark, RunState
from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import Workshop, workshop

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "doomed_import.py"
ROWS = 12_000
EACH = 50
"""Every so many rows one is refused."""

REFUSED = ROWS // EACH
GOOD = ROWS - REFUSED


def write(file: Path) -> None:
    """Products of two variants each, in rows; some have a price of zero."""
    with file.open("w") as out:
        out.write("merchant,product,sku,title.en,price.EUR,stock.main\n")
        for row in range(ROWS):
            price = "0" if row % EACH == 7 else "9.90"
            out.write(f"stall-{row % 3},p{row // 2}-{row % 3},S{row},Lamp {row // 2},{price},{row % 40}\n")


async def import_and_kill(url: str, file: Path, report: Path, after: int, how: str) -> int:
    """Start the import in a process of its own and kill it when it has told of so many sets; the last line it told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), url, str(file), str(report), how),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    line = 0
    told = 0
    while told < after:
        text = (await process.stdout.readline()).decode().strip()
        assert text or process.returncode is None, "the import ended before it was killed"
        if text.isdigit():
            line, told = int(text), told + 1
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    return line


async def finish(shop: Workshop, file: Path, report: Path, *, dry_run: bool = False) -> ImportReport:
    return await shop.importer.run_import(ImportRequest(file=str(file), report=str(report), dry_run=dry_run))


def refusals(report: Path) -> list[Remark]:
    return [msgspec.json.decode(line, type=Remark) for line in report.read_bytes().splitlines()]


async def test_killed_again_and_again(fresh_database: str, tmp_path: Path) -> None:
    """Killed three times at places that chance chose, the import ends with each row once, counted once, told once."""
    file, report_file = tmp_path / "goods.csv", tmp_path / "refused.jsonl"
    write(file)
    chance = random.Random(11)
    lines = [await import_and_kill(fresh_database, file, report_file, chance.randint(1, 2), "real") for _ in range(3)]
    assert lines == sorted(set(lines)), "each attempt goes on behind the one before"
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE)) as shop:
        report = await finish(shop, file, report_file)
        assert report.resumed_at >= lines[-1]
        assert report.variants == Counts(created=GOOD, refused=REFUSED)
        told = refusals(report_file)
        assert [remark.line for remark in told] == [row + 2 for row in range(ROWS) if row % EACH == 7]
        assert report.remarks == told[: len(report.remarks)]
        async with shop.database.read() as connection:
            assert await connection.fetchval("SELECT count(*) FROM catalog.variant") == GOOD
            assert await connection.fetchval("SELECT count(DISTINCT sku) FROM catalog.variant") == GOOD
            counted = await connection.fetchval("SELECT sum(capacity) FROM tally.slice")
            changed = await connection.fetchval("SELECT count(*) FROM catalog.product WHERE version > 2")
            [run] = await shop.runs.page(connection, None, None, 10)
            assert not await shop.tallies.audit(connection)
        assert counted == sum(row % 40 for row in range(ROWS) if row % EACH != 7)
        assert changed == 0
        assert (run.state, run.share) == (RunState.DONE, 1.0)
        again = await finish(shop, file, report_file)
        assert again.variants == Counts(unchanged=GOOD, refused=REFUSED)
        assert (again.resumed_at, again.stock_counted) == (0, 0)


async def test_killed_dry_run(fresh_database: str, tmp_path: Path) -> None:
    """A dry run goes on too, and writes nothing but how far it is; the real import after it begins at the beginning."""
    file, report_file = tmp_path / "goods.csv", tmp_path / "refused.jsonl"
    write(file)
    line = await import_and_kill(fresh_database, file, report_file, 3, "dry")
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE)) as shop:
        report = await finish(shop, file, report_file, dry_run=True)
        assert report.resumed_at >= line
        assert report.variants == Counts(created=GOOD, refused=REFUSED)
        assert len(refusals(report_file)) == REFUSED
        async with shop.database.read() as connection:
            assert await connection.fetchval("SELECT count(*) FROM catalog.product") == 0
        real = await finish(shop, file, report_file)
        assert (real.resumed_at, real.variants.created) == (0, GOOD)
