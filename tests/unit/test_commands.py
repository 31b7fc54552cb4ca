"""The command `nightmarket` explains itself."""

import pytest
from click.testing import CliRunner

from nightmarket.entrypoints.cli import COMMANDS, main


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """The whole names each command, and each says how it is called and what it does."""
    whole = CliRunner().invoke(main, ["--help"])
    assert whole.exit_code == 0
    assert f"  {name} " in whole.output
    one = CliRunner().invoke(main, [name, "--help"])
    assert one.exit_code == 0
    assert one.output.lower().startswith("usage: ")
    assert len(one.output.splitlines()) > 3
