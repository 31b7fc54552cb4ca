"""Finds the Chromium that the browser tests drive, and installs one where that is possible without asking.

Runs on any Python 3.8+ without packages: `python3 tools/chromium.py`. `CHROMIUM=/path` chooses one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
"""Chromium without a window's parts: the same engine for half of the processor time."""

NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FONT = "fonts-noto-cjk"
MEND = (
    "The browser tests need Chromium and a font with Chinese letters. Debian: sudo apt install chromium fonts-noto-cjk"
    "   Fedora: sudo dnf install chromium google-noto-sans-cjk-fonts   macOS: brew install --cask chromium   "
    "or set CHROMIUM=/path/to/chrome; then run this again."
)


def find() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    chosen = os.environ.get("CHROMIUM")
    candidates = (chosen,) if chosen else NAMES
    return next((found for found in map(shutil.which, candidates) if found), None)


def _as_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def install() -> bool:
    """Install by apt as root or with a sudo that does not ask; False where neither is there or apt fails.

    Not every distribution has the shell alone: then it is the whole Chromium.
    """
    prefix = _as_root()
    if prefix is None or not shutil.which("apt-get"):
        return False
    print("chromium: installing Chromium and fonts with apt", flush=True)
    _apt(prefix, "update", "-q")
    said = ""
    for package in (SHELL, "chromium"):
        installed, said = _apt(prefix, "install", "-q", "-y", "--no-install-recommends", package, FONT)
        if installed:
            return True
    print(*said.splitlines()[-15:], sep="\n", file=sys.stderr)
    return False


def _apt(prefix: list[str], *command: str) -> tuple[bool, str]:
    done = subprocess.run(
        [*prefix, "apt-get", *command],
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout


def main() -> int:
    """Find one or install one; otherwise say what to do."""
    if find() is None and not (install() and find()):
        print(f"chromium: {MEND}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
