"""The command `nightmarket`. Each subcommand is a file here, named in `COMMANDS` and loaded when it is asked for."""

import errno
import importlib
from typing import Any

import click

import nightmarket
from nightmarket.kernel.problems import Problem, Unavailable

COMMANDS = {
    "up": "nightmarket.entrypoints.cli.up:up",
    "import": "nightmarket.entrypoints.cli.import_:import_",
    "export": "nightmarket.entrypoints.cli.export:export",
    "account": "nightmarket.entrypoints.cli.account:account",
    "key": "nightmarket.entrypoints.cli.key:key",
    "signing": "nightmarket.entrypoints.cli.signing:signing",
    "search": "nightmarket.entrypoints.cli.search:search",
    "audit": "nightmarket.entrypoints.cli.audit:audit",
    "crowd": "nightmarket.entrypoints.cli.crowd:crowd",
    "capacity": "nightmarket.entrypoints.cli.capacity:capacity",
    "rehearse": "nightmarket.entrypoints.cli.rehearse:rehearse",
    "gate": "nightmarket.entrypoints.cli.gate:gate",
    "offers": "nightmarket.entrypoints.cli.offers:offers",
    "draw": "nightmarket.entrypoints.cli.draw:draw",
    "surprise": "nightmarket.entrypoints.cli.draw:surprise",
    "simulate": "nightmarket.entrypoints.cli.simulate:simulate",
    "doctor": "nightmarket.entrypoints.cli.doctor:doctor",
    "bench": "nightmarket.entrypoints.cli.bench:bench",
    "migrate": "nightmarket.entrypoints.cli.migrate:migrate",
    "reset": "nightmarket.entrypoints.cli.reset:reset",
}
"""Subcommands by name, in the order in which `--help` lists them."""

MENDABLE = {
    errno.ENOSPC: "The disk is full. Free some space and start again",
    errno.EDQUOT: "Your disk quota is used up. Free some space and start again",
    errno.EROFS: "That folder is on a disk that cannot be written. Set NIGHTMARKET_HOME to another",
    errno.EACCES: "That file or folder is not yours to use. Set NIGHTMARKET_HOME to a folder of yours",
}
"""What the system may refuse for reasons that a person can mend."""


class Commands(click.Group):
    """Loads a subcommand's file only when needed, and says in one sentence what stood in its way."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command), f"{COMMANDS[cmd_name]} is no command"
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise click.ClickException(problem.detail) from problem
        except Unavailable as unavailable:
            raise click.ClickException(unavailable.what) from unavailable
        except OSError as error:
            if error.errno not in MENDABLE:
                raise
            where = f" ({error.filename})" if error.filename else ""
            raise click.ClickException(f"{MENDABLE[error.errno]}{where}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(nightmarket.__version__, prog_name="nightmarket")
def main() -> None:
    """Run shopping festivals: a whole marketplace on this machine.

    `nightmarket up --demo` opens a shop with goods in it at http://127.0.0.1:1111/.

    \b
    Settings come from the environment:
      PORT, HOST           where to listen (1111, 127.0.0.1)
      NIGHTMARKET_HOME     folder for the data (./.nightmarket)
      PUBLIC_URL           the address visitors use, behind a proxy
      DATABASE_URL         a PostgreSQL 18+ of your own
      NIGHTMARKET_WORKERS  number of web processes
    """
