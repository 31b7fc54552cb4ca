"""`python -m tools.tidy`: every rule over the tree; exit status 1 when something is off."""

import sys
from pathlib import Path

from . import RULES, read_house


def main() -> int:
    """Print each violation under its rule."""
    house = read_house(Path.cwd())
    broken = 0
    for name, rule in RULES.items():
        messages = list(rule(house))
        broken += len(messages)
        if messages:
            print(f"{name}:", *messages, sep="\n  ")
    print(f"{len(RULES)} rules, {len(house.sources)} files of Python, {broken} violations")
    return 1 if broken else 0


sys.exit(main())
