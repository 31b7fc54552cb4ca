"""Writes docs/reference from the code, so that it can't fall behind: `make docs`. A test compares the two.

Settings come from the table in `platform.settings`, commands from the command line's own help, problems from the
subclasses of `Problem`, facts from the structs in the contracts, and the platform, that carry a `kind`.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import click
import msgspec

import nightmarket
from nightmarket.entrypoints import cli
from nightmarket.kernel.problems import Problem
from nightmarket.platform import settings

FOLDER = Path("docs/reference")
GENERATED = "<!-- Written by `make docs` from the code; a test compares. Change the code, then run it. -->"
WIDTH = 100
FACT_KIND = re.compile(r"^[a-z]+\.[a-z_]+$")


def modules() -> Iterator[ModuleType]:
    """Every module of the product that is imported by name; revisions are run by alembic only, and players live in
    processes of their own, since Locust changes how a whole process waits."""
    for found in pkgutil.walk_packages(nightmarket.__path__, "nightmarket."):
        if ".migrations" not in found.name and ".players." not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def first_line(thing: object) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n", 1)[0].split())


def room_of(thing: type) -> str:
    """`orders` for a class of nightmarket.orders."""
    return thing.__module__.split(".")[1]


def cell(text: str) -> str:
    """Text that keeps a table whole."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def page(title: str, words: str, *parts: str) -> str:
    """A generated page."""
    return "\n".join([f"# {title}", "", GENERATED, "", words, "", *parts]).rstrip() + "\n"


def settings_page() -> str:
    """The settings, in the order of their table."""
    rows = [
        f"| `{line.variable}` | {cell(line.default) or '-'} | {cell(line.meaning)} |" for line in settings.reference()
    ]
    words = "Environment variables, read once at start. A value that does not fit is refused with the reason."
    return page("Settings", words, "| variable | default | meaning |", "|---|---|---|", *rows)


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Each command's path and its help, parents first."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from commands(found, below, context)


def command_line_page() -> str:
    """The help of each command."""
    parts = [f"## {path}\n\n```text\n{text.rstrip()}\n```\n" for path, text in commands(cli.main, "nightmarket")]
    return page("Command line", "What each command says with `--help`.", *parts)


def problems() -> list[type[Problem]]:
    """Every kind of expected refusal, by room and code."""
    found: set[type[Problem]] = set()
    ahead: list[type[Problem]] = [Problem]
    while ahead:
        below = ahead.pop().__subclasses__()
        found.update(below)
        ahead += below
    ours = [each for each in found if each.__module__.startswith("nightmarket.")]
    return sorted(ours, key=lambda each: (room_of(each), each.code, each.__qualname__))


def problems_page() -> str:
    """The codes that a client can branch on."""
    rows = [
        f"| `{each.code}` | {each.__new__(each).status} | {room_of(each)} | {cell(first_line(each))} |"
        for each in problems()
        if "code" in vars(each)
    ]
    words = (
        "Expected refusals, as RFC 9457 problem details: `type` ends with the code, `detail` says what is wrong and "
        "how to mend it, `field` names the input. Codes are stable; a client may branch on them. Besides these, 503 "
        "says that the shop is over its limit or a part of it is away (`Retry-After` says when to come back), and "
        "500 that an invariant of ours is broken."
    )
    return page("Problems", words, "| code | status | room | meaning |", "|---|---|---|---|", *rows)


def facts() -> list[type[msgspec.Struct]]:
    """Every struct of a contract or of the platform that carries a kind, by kind."""
    found: dict[str, type[msgspec.Struct]] = {}
    for module in modules():
        parts = module.__name__.split(".")
        if "contract" not in parts and "platform" not in parts:
            continue
        for thing in vars(module).values():
            if inspect.isclass(thing) and issubclass(thing, msgspec.Struct) and thing.__module__ == module.__name__:
                kind: object = vars(thing).get("kind")
                if isinstance(kind, str) and FACT_KIND.match(kind):
                    found[kind] = thing
    return [found[kind] for kind in sorted(found)]


def type_name(hint: Any) -> str:
    """A type as one would write it, without the modules' names."""
    text = hint.__name__ if inspect.isclass(hint) and not typing.get_args(hint) else str(hint)
    return re.sub(r"\b(?:[a-z_]\w*\.)+", "", text)


def facts_page() -> str:
    """What happened, as others learn of it."""
    parts: list[str] = []
    for fact in facts():
        hints: Mapping[str, Any] = typing.get_type_hints(fact)
        parts += [f"## {vars(fact)['kind']}", "", first_line(fact), "", "| member | type |", "|---|---|"]
        parts += [
            f"| `{name}` | `{cell(type_name(hint))}` |"
            for name, hint in hints.items()
            if typing.get_origin(hint) is not ClassVar
        ]
        parts.append("")
    words = (
        "What happened, in the past tense. One row per batch and kind, its payload a msgpack list of these structs; "
        "members may be added, never renamed or removed."
    )
    return page("Facts", words, *parts)


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "command-line.md": command_line_page,
    "problems.md": problems_page,
    "facts.md": facts_page,
}


def write(name: str) -> str:
    """The text of one page. Imports every module first, so that every subclass of Problem is known."""
    for _ in modules():
        pass
    return PAGES[name]()


def main() -> int:
    """Write the pages that have changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        file, text = FOLDER / name, write(name)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            print(f"written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
