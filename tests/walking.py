"""Walks documentation as a reader does: types its commands, compares what they say, presses what it says to press."""

import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

ROOT = Path(__file__).parent.parent
COMMAND_SECONDS = 120
"""A command of a page that takes longer hangs, perhaps for want of an answer; its shell is ended."""

MARK = 'walked=$?; echo; echo "walked:$walked"'
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "..."


class Command(msgspec.Struct, frozen=True):
    """A command as a page shows it, and what the page says that it prints; nothing said means that nobody looks."""

    text: str
    says: list[str]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return [body for found, body in BLOCK.findall(page.read_text()) if found == language]


def commands(page: Path) -> list[Command]:
    """What stands behind `$ ` in the page's console blocks; a command goes on while its lines end in a backslash,
    and to its END where it has a here-document."""
    found: list[Command] = []
    for block in blocks(page, "console"):
        lines = iter(block.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                found[-1].says.append(line)
                continue
            text = line.removeprefix("$ ")
            while text.endswith("\\"):
                text += "\n" + next(lines)
            if " << END" in text:
                text += "\n" + "\n".join(takewhile(lambda line: line != "END", lines)) + "\nEND"
            found.append(Command(text, []))
    return found


def matches(says: Sequence[str], said: Sequence[str]) -> bool:
    """Whether the lines are as the page says: `...` stands for any words in a line, and alone for any lines."""
    if not says:
        return not said
    if says[0].strip() == ANYTHING:
        return any(matches(says[1:], said[skipped:]) for skipped in range(len(said) + 1))
    if not said:
        return False
    pattern = ".*".join(re.escape(part) for part in says[0].rstrip().split(ANYTHING))
    return re.fullmatch(pattern, said[0].rstrip()) is not None and matches(says[1:], said[1:])


@dataclass
class Shell:
    """One shell, as a reader keeps it open. `instead` is what a page writes, and what stands here in its place."""

    environment: Mapping[str, str]
    instead: Mapping[str, str] = field(default_factory=dict[str, str])
    folder: Path = ROOT

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["bash", "--norc", "-s"],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def run(self, text: str) -> tuple[int, list[str]]:
        """Type a command; its exit status and what it said, in the page's words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        self._process.stdin.write(f"{{ {text}\n}} < /dev/null\n{MARK}\n")
        self._process.stdin.flush()
        said: list[str] = []
        impatience = threading.Timer(COMMAND_SECONDS, self._process.kill)
        impatience.start()
        for line in self._process.stdout:
            if line.startswith("walked:"):
                break
            said.append(line.rstrip("\n"))
        else:
            raise AssertionError(f"the shell ended in {text!r}: {said}")
        impatience.cancel()
        if said and not said[-1]:
            said.pop()  # the line break before the mark
        return int(line.removeprefix("walked:")), [self._in_their_words(one) for one in said]

    def walk(self, command: Command, *, ends_with: int = 0) -> None:
        """Type a command of a page; it ends so, and says what the page says."""
        status, said = self.run(command.text)
        assert status == ends_with, (command.text, said)
        if command.says:
            assert matches(command.says, said), "\n".join([command.text, *said, "instead of", *command.says])

    def _in_their_words(self, line: str) -> str:
        for theirs, ours in self.instead.items():
            line = line.replace(ours, theirs)
        return line


class Form(msgspec.Struct):
    """A form of a page: where it goes, what its buttons say, what its fields hold."""

    action: str
    method: str
    buttons: list[str]
    fields: dict[str, str]
    choices: dict[str, list[str]]
    """Its radio buttons: the values of each name."""


class _Reader(HTMLParser):
    """Collects the forms, links and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.words: list[str] = []
        self._button: list[str] | None = None
        self._link: tuple[str, list[str]] | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self.forms else None
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get"), [], {}, {}))
        elif tag == "input" and form and "name" in given:
            if given.get("type") == "radio":
                form.choices.setdefault(given["name"], []).append(given.get("value", ""))
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                form.fields[given["name"]] = given.get("value", "")
        elif tag == "select" and form:
            self._select = given.get("name")
        elif tag == "option" and form and self._select and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = given.get("value", "")
        elif tag == "button":
            self._button = []
        elif tag == "a":
            self._link = (given.get("href", ""), [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self.forms:
            self.forms[-1].buttons.append(" ".join("".join(self._button).split()))
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links[" ".join("".join(self._link[1]).split())] = self._link[0]
            self._link = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._button.append(data)
        if self._link is not None:
            self._link[1].append(data)


class Guest:
    """A browser without script: opens pages, follows links and sends forms by what is written on them."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, follow_redirects=True, headers={"accept-language": "en"})
        self._page = _Reader()
        self.address = ""

    def open(self, path: str) -> None:
        """Go to an address."""
        self._take(self.client.get(path))

    def sees(self, words: str) -> bool:
        """Whether the page says so."""
        return words in " ".join(" ".join(self._page.words).split())

    def press(self, label: str, **typed: str) -> None:
        """Press what is labelled so, having typed something: a button of a form, else a link. Choices that nobody made
        get their first value."""
        for form in self._page.forms:
            if any(button.startswith(label) for button in form.buttons):
                assert set(typed) <= {*form.fields, *form.choices}, sorted(form.fields)
                first = {name: values[0] for name, values in form.choices.items()}
                self._take(self.client.post(form.action or self.address, data={**first, **form.fields, **typed}))
                return
        target = next((href for text, href in self._page.links.items() if text.startswith(label)), None)
        assert target is not None, f"nothing here is called {label}: {self.address}"
        assert not typed
        self.open(target)

    def _take(self, response: httpx.Response) -> None:
        assert response.status_code < 500, response.text
        self.address = str(response.url)
        self._page = _Reader()
        self._page.feed(response.text)

    def close(self) -> None:
        self.client.close()
