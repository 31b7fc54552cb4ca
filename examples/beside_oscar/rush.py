"""All guests press "place order" at the same moment: `python rush.py http://127.0.0.1:8000 build/guests.json`."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import httpx

PRESSED = {"action": "place_order"}
SECONDS = 120


async def press(client: httpx.AsyncClient, cookies: dict[str, str]) -> str:
    """What becomes of one guest's order."""
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
    }
    try:
        answer = await client.post("/checkout/preview/", data=PRESSED, headers=headers)
    except httpx.HTTPError as error:
        return type(error).__name__
    if answer.status_code >= 500:
        return "error"
    return "accepted" if answer.headers.get("location", "").endswith("/thank-you/") else "refused"


async def main(shop: str, guests: list[dict[str, str]]) -> None:
    limits = httpx.Limits(max_connections=len(guests))
    async with httpx.AsyncClient(base_url=shop, timeout=SECONDS, limits=limits) as client:
        outcomes = Counter(await asyncio.gather(*(press(client, guest) for guest in guests)))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
