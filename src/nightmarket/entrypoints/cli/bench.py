"""`nightmarket bench`: how many orders a second this machine takes."""

import subprocess
import sys
from pathlib import Path

import click

PROGRAM = Path("bench/measure.py")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench(options: tuple[str, ...]) -> None:
    """Measure orders per second and processor time per order, beside pgbench in the same run.

    Starts a shop of its own in a temporary folder. Options (--seconds, --connections, --workers, --only) are those of
    bench/measure.py; the protocol is bench/README.md.
    """
    for root in (Path.cwd(), Path(__file__).resolve().parents[4]):
        if (root / PROGRAM).is_file():
            command = [sys.executable, str(root / PROGRAM), *options]
            sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 (our own program, no shell)
    raise click.ClickException("bench/measure.py is not here. Run this in a checkout of Nightmarket.")
