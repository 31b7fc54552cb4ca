"""What the rules look at: every file that is or may be committed, each parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

CODE_FOLDERS = ("src", "tests", "tools", "bench", "examples", "docs")
PACKAGE = "src/nightmarket/"
NOT_BUSINESS = frozenset({"bootstrap", "demo", "kernel", "platform", "entrypoints", "rehearsal", "workflows"})
"""Rooms that are not business modules: they have no contract, handlers and store of their own."""


@dataclass
class Source:
    """One Python file; `path` is relative to the repository, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @property
    def room(self) -> str | None:
        """`orders` for `src/nightmarket/orders/store.py`; None outside the rooms."""
        parts = self.path.removeprefix(PACKAGE).split("/")
        return parts[0] if self.path.startswith(PACKAGE) and len(parts) > 1 else None

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def docstrings(self) -> set[int]:
        """The ids of the nodes that are docstrings or bare strings, which are prose and not values."""
        return {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}


@dataclass
class House:
    """The tree: Python files parsed, all other text files by path."""

    sources: list[Source]
    texts: dict[str, str] = field(default_factory=dict[str, str])
    """Every text file, the Python ones too."""

    def under(self, *folders: str) -> Iterator[Source]:
        """Python files below these folders."""
        for source in self.sources:
            if source.path.startswith(tuple(f"{folder}/" for folder in folders)):
                yield source

    def business_rooms(self) -> dict[str, set[str]]:
        """Business modules that have something in them, each with its files' names below its folder."""
        rooms: dict[str, set[str]] = {}
        for path in self.texts:
            parts = path.removeprefix(PACKAGE).split("/")
            if path.startswith(PACKAGE) and len(parts) > 1 and parts[0] not in NOT_BUSINESS:
                rooms.setdefault(parts[0], set()).add("/".join(parts[1:]))
        return {room: files for room, files in rooms.items() if files != {"__init__.py"}}


def _paths(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return sorted(path for path in listed.stdout.decode().split("\0") if path and (root / path).is_file())
    files = (path for path in root.rglob("*") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in files)


def read_house(root: Path) -> House:
    """Read the tree at `root`; files that git ignores are left out, files that are not UTF-8 text too."""
    house = House([])
    for path in _paths(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        house.texts[path] = text
        if path.endswith(".py") and path.startswith(tuple(f"{folder}/" for folder in CODE_FOLDERS)):
            house.sources.append(Source(path, text))
    return house
