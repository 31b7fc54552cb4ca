"""`nightmarket crowd`: lets a crowd into the open demo, and tells what it does there."""

import asyncio
import time
from collections.abc import Callable

import click
import msgspec

from nightmarket.entrypoints.cli.connected import engine, note, settings_here
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.platform.supervisor import running
from nightmarket.rehearsal.contract import (
    MOST_BUYERS,
    MOST_SECONDS,
    MOST_UNITS,
    USUAL_BUYERS,
    Proof,
    Scene,
    Size,
    State,
)
from nightmarket.rehearsal.errors import NoCrowd

LOOK_SECONDS = 0.25
SILENT_SECONDS = 30.0
"""From the last word of the crowd or the witness to giving up on them."""


@click.command()
@click.option(
    "--buyers", type=click.IntRange(1, MOST_BUYERS), default=USUAL_BUYERS, show_default=True, help="How many come."
)
@click.option(
    "--units", type=click.IntRange(1, MOST_UNITS), default=50, show_default=True, help="How many units are there."
)
@click.option(
    "--within",
    type=click.FloatRange(0, MOST_SECONDS),
    default=0,
    metavar="SECONDS",
    help="Let the crowd swell for so long. Default: all of them stand at the door at once.",
)
def crowd(*, buyers: int, units: int, within: float) -> None:
    """Send simulated buyers into the demo that is open here, and count what comes of it.

    They go through the shop's own door, all at once, for one article. The exit status is 1 when an order was lost or
    doubled, a unit was sold twice, or the audit finds anything off.
    """
    try:
        status = asyncio.run(_crowd(Size(buyers=buyers, units=units, within_seconds=within)))
    except (*CONNECTION_LOST, OSError) as error:
        raise click.ClickException(f"The database does not answer; try again in a moment ({error}).") from error
    raise SystemExit(status)


async def _crowd(size: Size) -> int:
    from nightmarket.bootstrap import open_shop
    from nightmarket.entrypoints.seeding import crowd_article
    from nightmarket.kernel.ids import encode
    from nightmarket.platform.access import SYSTEM
    from nightmarket.platform.deeds import Acted
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry import configure_logging

    configure_logging(level="WARNING")
    settings = settings_here()
    if running(settings.home) is None:
        raise NoCrowd("No shop is open here. Open the demo first: nightmarket up --demo")
    settings = with_secret(settings)
    url = settings.database_url or engine(settings).url
    async with open_shop(msgspec.structs.replace(settings, database_url=url), application="crowd") as shop:
        shop.stage.check()
        wish = await shop.stage.plan(crowd_article(), size, "nightmarket crowd")
        async with shop.database.transaction() as tx:
            wish = await shop.stage.ready(tx, wish)
            about, detail = encode("tal", wish.tally), f"{wish.buyers} buyers, {wish.units} x {wish.sku}"
            deed = Acted(SYSTEM.id, "nightmarket crowd", "crowd.let_in", about, detail)
            await shop.facts.append(tx, [deed], shop.clock.now())
        shop.stage.let_in(wish)
    click.echo(f"{size.buyers:,} buyers want {size.units:,} x {wish.sku}.")
    return await _watch(shop.stage.scene)


async def _watch(look: Callable[[], Scene]) -> int:
    """Show the figures until the proof is there."""
    heard, last = time.monotonic(), ""
    proof: Proof | None = None
    while proof is None or not proof.final:
        await asyncio.sleep(LOOK_SECONDS)
        scene = look()
        line = _line(scene)
        if line and line != last:
            heard, last = time.monotonic(), line
            click.echo(line)
        if time.monotonic() - heard > SILENT_SECONDS:
            note("Nothing more is heard of the crowd. Is the shop still open?")
            return 1
        proof = scene.proof
    for check in proof.checks:
        click.echo(f"{check.name:12} {check.off:,} off   {check.holds}")
        for found in check.found:
            click.echo(f"{'':12} {found}")
    click.echo(
        f"{proof.present:,} of {proof.acknowledged:,} acknowledged orders are there, {proof.doubled:,} doubled, "
        f"{proof.unknown:,} unknown."
    )
    click.echo(f"oversold {proof.oversold:,}; audit {'clean' if not proof.off else f'{proof.off:,} rows off'}")
    return 0 if proof.clean else 1


def _line(scene: Scene) -> str:
    crowd, seen = scene.crowd, scene.seen
    if crowd is None or scene.wish is None or crowd.run != scene.wish.run or crowd.state is State.WAITING:
        return ""
    left = f"{seen.available:,} left" if seen and seen.run == crowd.run else ""
    away = "   the database is away" if scene.down else ""
    if scene.proof and scene.proof.audited and scene.proof.looks > 1:
        away += f"   {scene.proof.off:,} rows off, looking again ({scene.proof.looks})"
    return (
        f"{crowd.seconds:5.1f} s   {crowd.bought:,} orders   {left}   {crowd.sold_out:,} sold out   "
        f"{crowd.waiting:,} waiting   {crowd.answers_per_second:,}/s   p50 {crowd.p50_ms:.0f} ms   "
        f"p99 {crowd.p99_ms:.0f} ms   {crowd.retries:,} asked again{away}"
    )
