"""The command `nightmarket` explains itself."""

import click
import pytest

from nightmarket.entrypoints.cli import COMMANDS, main


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """The whole names each command, and each says how it is called and what it does."""
    whole = click.Context(main, info_name="nightmarket")
    assert f"  {name} " in main.get_help(whole)
    command = main.get_command(whole, name)
    assert command is not None
    said = command.get_help(click.Context(command, info_name=name, parent=whole))
    assert said.lower().startswith(f"usage: nightmarket {name} ")
    assert len(said.splitlines()) > 3
