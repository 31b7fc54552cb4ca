"""What the audit looks at: places without gap or twin, and draws that are what secret and tickets make them."""

from collections.abc import Sequence

from nightmarket.gate import store
from nightmarket.gate.contract import TICKET, Lane
from nightmarket.gate.model import draw_of
from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.platform.database import Connection


async def audit(connection: Connection) -> Sequence[Finding]:
    """Every row that is off; of a draw the first ticket that stands before a lower lot."""
    found = [Finding(*one) for one in await store.audit(connection)]
    for room, seed in await store.drawn_rooms(connection):
        for lane in Lane:
            last = b""
            async for page in store.drawn_tickets(connection, room, lane):
                lots = [draw_of(seed, ticket) for ticket in page]
                order = [last, *lots]
                off = next((n for n, lot in enumerate(lots) if lot <= order[n]), None)
                if off is not None:
                    row = f"{room} {lane.value} {encode(TICKET, page[off])}"
                    found.append(Finding("the draw follows from the secret", row, "a higher lot", lots[off].hex()))
                    break
                last = lots[-1]
    return found
