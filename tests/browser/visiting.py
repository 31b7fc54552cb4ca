"""What the browser tests share."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

Visitor = Callable[..., Page]
"""Opens a page as a fresh visitor: `visitor(width=360, locale="de-DE", java_script_enabled=False)`."""

LOADING_SECONDS = 180
FIRST_PAUSE_MILLISECONDS, LONGEST_PAUSE_MILLISECONDS = 300, 2_000
"""Between two loads of a page: longer each time, as a browser that loads without end takes a core from all others."""

SETTLE = "document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())"
"""Colours that are on their way from day to night come there at once."""

AXE = (Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js").read_text()


def load_until(page: Page, there: Callable[[], bool], path: str = "") -> None:
    """Load the page, or this path, again until it is as it should be: other processes learn of a change in seconds."""
    give_up = time.monotonic() + LOADING_SECONDS
    pause = FIRST_PAUSE_MILLISECONDS
    while True:
        page.goto(path or page.url)
        if there():
            return
        assert time.monotonic() < give_up, page.locator("main").inner_text()
        page.wait_for_timeout(pause)
        pause = min(pause * 3 // 2, LONGEST_PAUSE_MILLISECONDS)


def fill_time(page: Page, name: str, at: datetime, zone: str = "") -> None:
    """Type an instant into a field of the console, by the clocks that it says it takes, or those of `zone`."""
    clocks = ZoneInfo(zone or page.locator(f"input[name={name}_zone]").input_value())
    page.locator(f"#{name}").fill(f"{at.astimezone(clocks):%Y-%m-%dT%H:%M:%S}")


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, with where."""
    return _found(page, {"resultTypes": ["violations"]})


def faults_day_and_night(page: Page) -> list[str]:
    """As `faults`, for a page that is shown by day; by night only its colours are others, so only they are asked."""
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLE)
    found += _found(page, {"resultTypes": ["violations"], "runOnly": ["color-contrast"]})
    page.emulate_media(color_scheme="light")
    page.evaluate(SETTLE)
    return found


def _found(page: Page, how: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("(how) => axe.run(document, how)", how)
    return [
        f"{fault['id']}: {json.dumps([node['target'] for node in fault['nodes']][:5])}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
