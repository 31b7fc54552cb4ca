"""Imports one file in a process of its own, to be killed in the middle: DATABASE_URL, file and report are arguments."""

import asyncio
import os
import sys
from pathlib import Path

from nightmarket.catalog.contract import ImportProgress, ImportRequest
from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import workshop


def tell(step: ImportProgress) -> None:
    """Say which line is behind the import, now that its set is written."""
    sys.stdout.write(f"{step.line}\n")
    sys.stdout.flush()


async def main(url: str, file: str, report: str, dry_run: str) -> None:
    """Import it."""
    async with workshop(url, VirtualClock(FESTIVAL_EVE), seed=os.getpid()) as shop:
        request = ImportRequest(file=file, report=report, dry_run=dry_run == "dry")
        await shop.importer.run_import(request, tell)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    asyncio.run(main(*sys.argv[1:]))
