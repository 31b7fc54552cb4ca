"""A real shop with the demo in it, and a real Chromium that may speak to nobody else."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.browser.visiting import Visitor
from tools.chromium import MEND, find

ROOT = Path(__file__).resolve().parents[2]
OPENING_SECONDS = 600
PATIENCE_MILLISECONDS = 45_000
"""How long is waited for something to appear: other browsers and engines work beside this one."""

expect.set_options(PATIENCE_MILLISECONDS)

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


@pytest.fixture(scope="session")
def shop_home() -> Generator[Path]:
    """Where the demo shop keeps its files."""
    with tempfile.TemporaryDirectory(prefix="nightmarket-browser-") as folder:
        yield Path(folder) / "home"


@pytest.fixture(scope="session")
def shop_url(shop_home: Path) -> Generator[str]:
    """The address of a demo shop that lives as long as this test run."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = shop_home.with_name("log")
    environment = os.environ | {"PORT": str(port), "NIGHTMARKET_HOME": str(shop_home), "NIGHTMARKET_WORKERS": "1"}
    with log.open("wb") as output:
        shop = subprocess.Popen(
            [Path(sys.executable).parent / "nightmarket", "up", "--demo"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + OPENING_SECONDS
        while not _answers(url):
            if shop.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the shop did not open:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield url
    finally:
        shop.send_signal(signal.SIGINT)
        shop.wait(120)


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    """A Chromium for the whole run."""
    path = find()
    if path is None:
        pytest.fail(MEND)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, shop_url: str) -> Generator[Visitor]:
    """Opens pages as a fresh visitor: `visitor(width=360, locale="de-DE", java_script_enabled=False)`.

    At the end no request may have gone to another host, and no page may have complained.
    """
    contexts: list[BrowserContext] = []
    elsewhere: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((shop_url, "data:")):
            elsewhere.append(request.url)

    def visit(*, width: int = 1280, locale: str = "en-GB", **options: Any) -> Page:
        context = chromium.new_context(
            base_url=shop_url,
            viewport={"width": width, "height": 760},
            locale=locale,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.on("request", note)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_ours(message) else None)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert complaints == []


def _is_ours(message: Any) -> bool:
    """Errors of the page; the browser's and htmx's notes of a refusal that the test wanted, or of a request that the
    next page cut off, are none."""
    wanted = ("Failed to load resource", "htmx:sendError", "htmx:responseError", "htmx:sendAbort", "htmx:afterRequest")
    return message.type == "error" and not any(words in message.text for words in wanted)
