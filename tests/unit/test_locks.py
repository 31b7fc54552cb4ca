"""What is installed is pinned and checked against a hash, wherever it is fetched from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def pins(file: str) -> dict[str, list[str]]:
    """Hashes by `name==version` of a requirements file."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / file).read_text()):
        if "==" in block.split("\n", 1)[0] and not block.startswith("#"):
            found[block.split(maxsplit=1)[0]] = re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt", "tools/npm-requirements.txt"])
def test_every_python_package_has_hashes(file: str) -> None:
    """No requirement is taken on trust."""
    assert pins(file)
    assert [name for name, hashes in pins(file).items() if not hashes] == []


def test_node_for_machines_without_it_is_the_one_developers_have() -> None:
    """The wheel that brings npm has the pin and the hashes of the development lock."""
    developers = pins("requirements-dev.txt")
    for name, hashes in pins("tools/npm-requirements.txt").items():
        assert sorted(hashes) == sorted(developers[name])


def test_front_end_libraries_are_pinned_without_an_address() -> None:
    """Each has an integrity hash and no `resolved` address, so that any mirror serves; versions are exact."""
    lock: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    wanted: dict[str, Any] = json.loads((ROOT / "package.json").read_text())
    for version in [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
