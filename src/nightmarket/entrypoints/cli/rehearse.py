"""`nightmarket rehearse`: plays a festival against a running shop, and says whether it would stand the day."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

import click
import msgspec

from nightmarket.entrypoints.cli.connected import settings_here
from nightmarket.entrypoints.cli.rehearsal_screen import Screen
from nightmarket.kernel.ids import SystemIds, decode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.platform.home import make_home
from nightmarket.platform.settings import Settings, with_secret
from nightmarket.platform.supervisor import follow_supervisor, running
from nightmarket.platform.telemetry import configure_logging
from nightmarket.rehearsal.contract import REPORT, Ended, Wishes, read_faults
from nightmarket.rehearsal.errors import NotRehearsed

MOST_MINUTES, MOST_PEAK, MOST_PROCESSES = 720.0, 100_000.0, 256
USUAL_SEED = 1111
LEAST_MINUTES = 0.2
ENDS_WITHIN_SECONDS = 300.0
"""From the death of whoever started it to its own, if it does not end by itself: what was played is judged first."""


class CouldNotRun(click.ClickException):
    """Nothing was judged: exit status 2."""

    exit_code = 2


@click.command()
@click.option("--against", metavar="URL", help="A shop that is open. Default: one of its own, in a temporary home.")
@click.option(
    "--minutes", type=click.FloatRange(LEAST_MINUTES, MOST_MINUTES), default=3.0, show_default=True, help="How long."
)
@click.option(
    "--peak",
    type=click.FloatRange(0.5, MOST_PEAK),
    default=20.0,
    show_default=True,
    help="Orders per second in the highest second after midnight; all else follows from it.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**53), default=USUAL_SEED, show_default=True, help="The same, the same play."
)
@click.option("--faults", default="", metavar="LIST", help="What strikes: kill-worker,kill-postgres@40s,random.")
@click.option(
    "--processes", type=click.IntRange(1, MOST_PROCESSES), default=1, show_default=True, help="Processes of shoppers."
)
@click.option(
    "--looks",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="How much is looked at beside what is ordered; 0: nothing, so that a small machine sees more orders.",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the report.")
@click.option("--master", metavar="HOST:PORT", help="Wait here for --processes workers of other machines.")
@click.option("--worker", metavar="HOST:PORT", help="Be such a worker, for the rehearsal that waits there.")
@click.option("--keep", is_flag=True, help="Leave the orders as they are, instead of taking them back.")
@click.option("--plain", is_flag=True, help="Lines instead of a screen; so it is anyway where there is no terminal.")
@click.option("--run", "run_id", hidden=True, help="The run's id, chosen by the console.")
@click.option("--by", "asked_by", hidden=True, default="nightmarket rehearse", help="Who asked at the console.")
def rehearse(*, worker: str | None, plain: bool, run_id: str | None, **asked: object) -> None:
    """Play a festival of minutes: carts, midnight, the day, the evening waves; then audit, and say go or no-go.

    What is ordered is marked: it reaches no outlet, stands in no figures, and is taken back at the end. The exit status
    is 0 for go, 1 for no-go, 2 when it could not be played.
    """
    if worker is not None:
        host, port = _meeting(worker, "--worker")
        sys.exit(subprocess.call([sys.executable, "-m", "nightmarket.rehearsal.players", "worker", host, str(port)]))  # noqa: S603
    try:
        status = _rehearse(asked, plain=plain, run_id=run_id)
    except Problem as problem:
        raise CouldNotRun(problem.detail) from problem
    except Unavailable as away:
        raise CouldNotRun(away.what) from away
    except (*CONNECTION_LOST, OSError) as error:
        raise CouldNotRun(f"The shop or its database does not answer: {error}") from error
    raise SystemExit(status)


def _rehearse(asked: dict[str, object], *, plain: bool, run_id: str | None) -> int:
    configure_logging(level="ERROR")
    follow_supervisor(ENDS_WITHIN_SECONDS)
    here = settings_here()
    make_home(here.home)
    master = asked.pop("master")
    if master is not None:
        _meeting(str(master), "--master")
    read_faults(str(asked["faults"]), int(str(asked["seed"])), float(str(asked["minutes"])) * 60)
    run = decode("reh", run_id) if run_id else SystemIds().new()
    with _shop(str(asked["against"]) if asked["against"] else None, here) as (settings, own):
        asked.pop("against")
        wishes = msgspec.convert({**asked, "master": master, "own_shop": own, "address": settings.address}, Wishes)
        return asyncio.run(_play(wishes, here, with_secret(settings), Screen(plain=plain), run))


@contextmanager
def _shop(against: str | None, here: Settings) -> Generator[tuple[Settings, bool]]:
    """The shop that is played with, and whether it is one of the rehearsal's own."""
    if against is None:
        from nightmarket.entrypoints.cli.own_shop import own_shop

        click.echo("A shop is opened for the rehearsal…")
        with own_shop() as settings:
            yield settings, True
        return
    parts = urlsplit(against)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise NotRehearsed(f"{against} is no address of a shop; write it so: --against http://127.0.0.1:1111")
    address = against.rstrip("/")
    instance = running(here.home)
    if instance is None and here.database_url is None:
        raise NotRehearsed(
            f"No shop is open on {here.home}, and DATABASE_URL is not set, so there is no way to make a key for "
            f"{address} or to look at what came of it. Set NIGHTMARKET_HOME or DATABASE_URL to that shop's own."
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if instance is not None and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        here = msgspec.structs.replace(here, port=urlsplit(instance.address).port or port)
    yield msgspec.structs.replace(here, public_url=None if _same(address, here.address) else address), False


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


async def _play(wishes: Wishes, here: Settings, settings: Settings, screen: Screen, run: UUID) -> int:
    from nightmarket.bootstrap import rehearsal
    from nightmarket.entrypoints.console.rehearsal.report import writer

    played = rehearsal(wishes, here.home, run, settings, (screen.show, screen.say, writer(wishes.language)))
    _on_signals(played.stop)
    ended = await played.run()
    _say(ended, screen.say)
    return 0 if ended.go else 1


def _on_signals(stop: Callable[[], None]) -> None:
    """The first Ctrl-C ends the play; a second one ends everything."""
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def heard(number: int) -> None:
        if asked:
            os._exit(2)
        asked.append(number)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heard, number)


def _say(ended: Ended, say: Callable[[str], None]) -> None:
    totals, result = ended.totals, ended.result
    say("")
    if ended.stopped:
        say("It was ended before its time; this is what was measured.")
    say(f"{totals.tried:,} orders tried, {totals.placed:,} placed, {totals.paid:,} paid.")
    if result is not None:
        for answer in result.answers:
            say(f"  {'ok ' if not answer.off else 'OFF'}  {answer.holds}" + (f"  {answer.off:,}" if answer.off else ""))
        for reason in result.reasons:
            say(f"  {reason}")
        for worry in result.worries:
            say(f"  Worth knowing: {worry}")
    if ended.off_afterwards:
        say(f"  After everything was taken back, the audit finds {ended.off_afterwards:,} rows off.")
    say("GO" if ended.go else "NO-GO")
    say(f"Report: {ended.folder / REPORT}")


def _meeting(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise CouldNotRun(f"{option} takes HOST:PORT, such as 10.0.0.5:5557.")
    return host, int(port)
