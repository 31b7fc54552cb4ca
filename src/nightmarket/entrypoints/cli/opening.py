"""What an opened shop tells the person at the terminal, and what an empty shop can be filled with."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nightmarket.entrypoints.demonstration import demo_accounts
from nightmarket.platform.settings import Settings

Seed = Callable[[Settings, str], datetime | None]
"""Fills the database behind this URL, unless it is filled; called after migration, before any process starts.

Answers when the next sale opens, if it has planned one."""

DEMO = "demo"


def _demo(settings: Settings, url: str) -> datetime | None:
    from nightmarket.entrypoints.seeding import fill

    return fill(settings, url)


def _flowers(settings: Settings, url: str) -> datetime | None:
    from nightmarket.entrypoints.flower_seed import fill

    return fill(settings, url)


FLOWERS = "ucp-flower-shop"
SEEDS: dict[str, Seed] = {DEMO: _demo, FLOWERS: _flowers}
"""What `nightmarket up --seed NAME` offers; `--demo` is `--seed demo`."""


def seed_settings(name: str | None) -> dict[str, object]:
    """The settings that come with a seed."""
    if name != FLOWERS:
        return {}
    from nightmarket.entrypoints.flower_seed import SETTINGS

    return SETTINGS


def greeting(settings: Settings, seconds: float, sale: datetime | None = None) -> str:
    """The text that is shown once the shop is open; `sale` is when the next one opens."""
    address = settings.address
    lines = [
        "",
        f"  Nightmarket is open, after {seconds:.1f} s.",
        "",
        f"    shop      {address}/",
        f"    console   {address}/console",
        f"    API       {address}/docs",
        "",
    ]
    if sale is not None:
        at = sale.astimezone()
        lines += [f"  The next sale opens at {at:%H:%M:%S}: lanterns at half price, and there are only 50.", ""]
        if settings.is_loopback:
            lines += [f"    Let a crowd in: {address}/console/crowd", ""]
    accounts = demo_accounts(settings)
    if accounts:
        lines.append("  Demo accounts, which exist only while this machine alone can reach the shop:")
        width = max(len(account.role) for account in accounts)
        lines += [f"    {account.role:{width}}  {account.email}  {account.password}" for account in accounts]
        lines.append("")
    elif settings.demo and not settings.is_loopback:
        lines += ["  No demo accounts: others can reach this shop.", ""]
    lines.append("  Try next:")
    if not accounts:
        lines.append("    nightmarket account add ADDRESS  lets you into the console, where nobody is known at first")
    lines += [
        "    put something into the cart and check out as a guest",
        "    watch the order arrive in the console",
        "    nightmarket audit      recomputes every invariant",
        "    nightmarket import -h  brings in goods of your own",
        "",
        f"  Ctrl-C stops all of it; the data stays in {_short(settings.home)}.",
        "",
    ]
    return "\n".join(lines)


def _short(folder: Path) -> str:
    here = Path.cwd()
    return f"./{folder.relative_to(here)}" if folder.is_relative_to(here) else str(folder)
