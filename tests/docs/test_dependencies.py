"""What the product stands on is declared, and each of it has its reason, licence and keeper on record."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import metadata, packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adr/0005-dependencies.md").read_text()
ROWS = {
    name: (why, licence, keeper)
    for name, why, licence, keeper in re.findall(
        r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE
    )
}
FAMILIES = ("0BSD", "Apache", "BSD", "ISC", "LGPL", "MIT", "MPL")
FAMILY = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(FAMILIES)})")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    """The distribution's name in a requirement, normalised."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


PRODUCT = {name_of(line) for line in PROJECT["dependencies"]}
DEVELOPMENT = {name_of(line) for line in PROJECT["optional-dependencies"]["dev"]}
FRONT_END: dict[str, Any] = json.loads((ROOT / "package.json").read_text())
NPM = {*FRONT_END.get("dependencies", {}), *FRONT_END.get("devDependencies", {})}


def test_each_direct_dependency_has_a_line_and_no_line_is_left_over() -> None:
    """ADR 0005 lists exactly what pyproject.toml and package.json ask for."""
    assert set(ROWS) == PRODUCT | DEVELOPMENT | NPM


def licence_words(package: str) -> str:
    """Everything that the installed package says of its licence."""
    if package in NPM:
        folder = ROOT / "node_modules" / package
        text = str(json.loads((folder / "package.json").read_text()).get("license", ""))
        files = sorted(folder.glob("LICENSE*")) if not text else []
        return text.replace("Zero Clause", "0BSD") or files[0].read_text().splitlines()[0].replace(
            "BSD Zero Clause", "0BSD"
        )
    found = metadata(package).json
    words = str(found.get("license_expression") or str(found.get("license", "")).strip().split("\n")[0])
    return " ".join([words, *(line for line in found.get("classifier", []) if line.startswith("License"))])


@pytest.mark.parametrize("package", sorted(ROWS))
def test_the_licence_on_record_is_the_one_that_is_installed(package: str) -> None:
    """A licence that changes with an upgrade is noticed before it is shipped."""
    on_record = set(FAMILY.findall(ROWS[package][1]))
    assert on_record
    assert on_record == set(FAMILY.findall(licence_words(package))), licence_words(package)


def test_what_the_product_imports_is_declared() -> None:
    """A library that comes along with another one may leave with it; what we import we ask for by name."""
    owners = packages_distributions()
    undeclared: set[str] = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top in sys.stdlib_module_names or top == "nightmarket":
                    continue
                if not {name_of(owner) for owner in owners.get(top, [])} & PRODUCT:
                    undeclared.add(f"{top} ({file.relative_to(ROOT)})")
    assert not undeclared, f"add these to pyproject.toml and ADR 0005: {sorted(undeclared)}"


def test_locked_packages_carry_hashes() -> None:
    """Both lock files pin every package with at least one hash, so that set-up installs what was reviewed."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE | re.IGNORECASE)
        for pin in pins[1:]:
            assert "--hash=sha256:" in pin, f"{name}: {pin.splitlines()[0]}"
