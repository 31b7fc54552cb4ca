"""How the house is, in full: versions, connections, lags, partitions, disk, settings without secrets."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from litestar.response.base import ASGIResponse

import nightmarket
from nightmarket.platform import vitals
from nightmarket.platform.settings import Settings, as_environment, reference

from .desk import Desk

HIDDEN = "••••••••"
SECRET_VARIABLES = frozenset({"NIGHTMARKET_SECRET"})


class Setting(msgspec.Struct, frozen=True):
    """A setting as it is now."""

    variable: str
    value: str
    meaning: str


async def show(desk: Desk) -> ASGIResponse:
    """Everything that an operator asks when something feels slow."""
    shop = desk.shop
    async with shop.database.read() as connection:
        server = await vitals.server(connection)
        connections = await vitals.connections(connection)
        partitions = await vitals.partitions(connection)
        stray = await vitals.stray_facts(connection)
        subscriptions = await vitals.consumers(connection)
    disk = shutil.disk_usage(_there(shop.settings.home))
    oldest = server.oldest_transaction_at
    return desk.page(
        "health.html",
        pulse=await desk.figures.pulse_or_none(),
        server=server,
        oldest_seconds=max(0.0, (desk.now - oldest).total_seconds()) if oldest else 0.0,
        connections=connections,
        partitions=partitions,
        stray=stray,
        consumers=subscriptions,
        disk=disk,
        settings=shown_settings(shop.settings),
        versions=[
            ("Nightmarket", nightmarket.__version__),
            ("Python", ".".join(map(str, sys.version_info[:3]))),
            ("PostgreSQL", server.version),
        ],
    )


def shown_settings(settings: Settings) -> Sequence[Setting]:
    """Every setting with its value; secrets and passwords never leave the process."""
    values = as_environment(settings)
    return [
        Setting(line.variable, _shown(line.variable, values.get(line.variable, line.default)), line.meaning)
        for line in reference()
    ]


def _shown(variable: str, value: str) -> str:
    if variable in SECRET_VARIABLES:
        return HIDDEN
    parts = urlsplit(value) if "://" in value else None
    if parts is not None and parts.password is not None:
        return value.replace(f":{parts.password}@", f":{HIDDEN}@", 1)
    return value


def _there(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.is_dir())
