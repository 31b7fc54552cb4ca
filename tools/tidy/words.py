"""Names that say nothing, words that admit something is missing, and traces of one machine."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from .house import CODE_FOLDERS, House

NAMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "base", "misc"})
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|NotImplemented[E]rror")
HAND_WRITTEN = (".py", ".html", ".css", ".js", ".sql", ".sh", ".toml")

MACHINE_PATH = re.compile(
    r"(?<![\w.$~)}/-])/(?:wor[k]|far[m]|hom[e]/\w+|User[s]/\w+|op[t]/(?:pypi|wheels)\w*|tm[p]/(?:bash_job[s]|w\b))(?=[/\s\"'`)]|$)"
)
PLAIN_HOST = re.compile(
    r"http://(?!localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\{)[\w.-]*(?:pypi|npm|registry|simple|proxy|mirror)[\w.:/-]*"
)
PRIVATE_HOST = re.compile(r"https?://(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+")


def nameless_files(house: House) -> Iterator[str]:
    """Files and folders whose name fits anything."""
    for path in house.texts:
        parts = PurePosixPath(path).with_suffix("").parts
        if parts[0] in CODE_FOLDERS and path.endswith((".py", ".html", ".js", ".css")):
            for part in NAMELESS.intersection(parts):
                yield f"{path}: '{part}' says nothing; name it for what it does"


def unfinished(house: House) -> Iterator[str]:
    """Marks of unfinished work in code."""
    for path, text in house.texts.items():
        if path.startswith(tuple(f"{folder}/" for folder in CODE_FOLDERS)) and path.endswith(HAND_WRITTEN):
            for number, line in enumerate(text.splitlines(), 1):
                if UNFINISHED.search(line):
                    yield f"{path}:{number}: finish it, or leave it out and say so in the module's README under limits"


def machine_paths(house: House) -> Iterator[str]:
    """Paths and hosts that exist on one machine only, in any file that is committed."""
    for path, text in house.texts.items():
        for pattern, advice in (
            (MACHINE_PATH, "a path of one machine; use one relative to the repository or the data folder"),
            (PLAIN_HOST, "a package host without TLS; lock files name the public registry by https"),
            (PRIVATE_HOST, "an address of a private network; make it a setting"),
        ):
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{path}:{line}: {found.group()!r} is {advice}"
