"""Makes everything that Nightmarket needs on this machine: `.venv`, its packages, and the front-end libraries.

Run by `make run` (what a shop needs) and `make setup` (`--dev`: also what developers need). This file runs on any
Python 3, so that one which is too old can hand over to a newer one, or say what to install.
"""

import os
import shutil
import sys

LEAST_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")


def main() -> int:
    """Exit code: 0 when all is there."""
    if sys.version_info >= LEAST_PYTHON:
        from setup_steps import set_up

        return set_up()
    for name in NEWER_PYTHONS:
        found = shutil.which(name)
        if found:
            os.execv(found, [found] + sys.argv)  # noqa: RUF005 (as old as can be)
    have = ".".join(str(number) for number in sys.version_info[:3])
    sys.stderr.write(
        f"setup: Nightmarket needs Python 3.11 or newer; {sys.executable} is {have}.\n"
        "Install one, then: make run PYTHON=/path/to/python3\n"
        "Debian and Ubuntu: sudo apt install python3.11 python3.11-venv   macOS: brew install python@3.13\n"
        "Anywhere: https://docs.astral.sh/uv/guides/install-python/\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
