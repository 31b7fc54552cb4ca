"""Tries a run's key at the shop's door, so that nothing is played against a shop that is another one."""

import asyncio
import urllib.error
import urllib.request
from uuid import UUID

from nightmarket.kernel.ids import encode
from nightmarket.rehearsal.errors import NotRehearsed

DOOR_SECONDS = 15.0
PATH = f"/ucp/checkout-sessions/{encode('chk', UUID(int=0))}"
"""A session that nobody has: who has a good key is told that it is not there."""


async def check_door(address: str, token: str) -> None:
    """Raises NotRehearsed where nobody answers, or where the key is not known."""
    status = await asyncio.to_thread(_status, address, token)
    if status == 404:
        return
    if status in (401, 403):
        raise NotRehearsed(
            f"The shop at {address} does not know the key that was made for this rehearsal, so it is another shop than "
            "that of NIGHTMARKET_HOME or DATABASE_URL. Set them to the shop's own."
        )
    if status == 429:
        raise NotRehearsed(
            f"{address} lets nobody straight in (429), and the shoppers of a rehearsal don't wait. If a waiting room "
            "stands before it, open it fully or end it in the console, and rehearse then."
        )
    said = f"answered {status}" if status else "does not answer"
    raise NotRehearsed(f"{address} {said}, so there is no shop to rehearse. Open it first: nightmarket up")


def _status(address: str, token: str) -> int:
    request = urllib.request.Request(  # noqa: S310 (the address was checked to be http or https)
        f"{address}{PATH}", headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}
    )
    door = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with door.open(request, timeout=DOOR_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0
