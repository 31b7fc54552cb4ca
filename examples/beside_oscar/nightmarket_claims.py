"""A small client of Nightmarket's claims: hold, settle, release. Standard library only, to be copied into any shop."""

import json
import os
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

TRIES = 5
"""A request whose answer is lost is sent again with the same key: it is carried out once, however often it comes."""

SECONDS = 10


class SoldOut(Exception):
    """Fewer units are left than were asked for. Nothing is held."""


class Refused(Exception):
    """Nightmarket said no for another reason; the message is its own."""


class Claims:
    """Talks to a Nightmarket at `url` with an API key that has the permission `claims`."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._key = key

    def hold(self, lines: list[dict[str, Any]], reference: str, seconds: int = 900) -> str:
        """Hold all of the lines or none; returns the claim's id. Raises SoldOut."""
        wanted = {"lines": lines, "reference": reference, "hold_seconds": seconds}
        return str(self._ask("POST", "/claims", wanted)["id"])

    def settle(self, claim: str) -> None:
        """The order stands: what is held is sold. May be repeated."""
        self._ask("POST", f"/claims/{claim}/settle")

    def release(self, claim: str) -> None:
        """There will be no order: give back what is held. May be repeated."""
        self._ask("POST", f"/claims/{claim}/release")

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        data = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(f"{self._url}{path}", data, headers, method=method)
        for attempt in range(1, TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refusal:
                if refusal.code < 500:
                    problem = json.load(refusal)
                    kind = SoldOut if problem["code"] == "not_enough_left" else Refused
                    raise kind(problem["detail"]) from None
                if attempt == TRIES:
                    raise
            except OSError:
                if attempt == TRIES:
                    raise
            time.sleep(0.1 * 2**attempt)
        raise AssertionError


def from_environment() -> Claims | None:
    """The Nightmarket that CLAIMS_URL and CLAIMS_KEY name; None where the shop stands alone."""
    url, key = os.environ.get("CLAIMS_URL"), os.environ.get("CLAIMS_KEY")
    return Claims(url, key) if url and key else None
