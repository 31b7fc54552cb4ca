"""What the browser tests share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

Visitor = Callable[..., Page]
"""Opens a page as a fresh visitor: `visitor(width=360, locale="de-DE", java_script_enabled=False)`."""

AXE = (Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js").read_text()


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, with where."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {json.dumps([node['target'] for node in fault['nodes']][:5])}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
