"""The published draw: written by us, recomputed by anyone.

Plain text: lines `name value` with the room, the opening, the seed and its hash, which was public before; then for each
lane a line `lane NAME` and one line `place ticket` for each of its tickets, the first first.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from nightmarket.gate import store
from nightmarket.gate.contract import ROOM, TICKET, WRONG_SHOWN, DrawProof, Lane, Room
from nightmarket.gate.errors import RoomRefused
from nightmarket.gate.model import draw_of, hash_of
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Database

HEAD = "nightmarket-draw 1"
MAX_LINES = 20_000_000


def require_drawn(room: Room) -> None:
    """Raise RoomRefused while the seed is a secret."""
    if room.drawn_at is None:
        raise RoomRefused("The places are drawn when the room opens; the list is there from then on.", field="room")


async def published(database: Database, room: Room) -> AsyncIterator[bytes]:
    """The draw as text, some thousand lines at a time."""
    require_drawn(room)
    head = (
        f"{HEAD}\nroom {encode(ROOM, room.id)}\nopening {room.opens_at.isoformat()}\n"
        f"seed-sha256 {room.seed_hash.hex()}\nseed {room.seed.hex()}\n"
    )
    yield head.encode()
    for lane in Lane:
        yield f"lane {lane.value}\n".encode()
        place = 0
        after: bytes | None = b""
        while after is not None:
            async with database.read() as connection:  # given back before a reader who may be slow gets the lines
                page, after = await store.page_of_draw(connection, room.id, lane, after)
            lines = [f"{place + n} {encode(TICKET, ticket)}\n" for n, ticket in enumerate(page, 1)]
            place += len(page)
            yield "".join(lines).encode()


def check_draw(lines: Iterable[str], ticket: str | None = None, seed_hash: str | None = None) -> DrawProof:
    """Recompute a published draw. `seed_hash` is what was written down before the opening, where somebody did.

    Raises InvalidInput for what is no published draw.
    """
    head, lanes = _read(lines)
    try:
        seed = bytes.fromhex(head["seed"])
        published_hash = bytes.fromhex(head["seed-sha256"])
        noted = bytes.fromhex(seed_hash) if seed_hash else published_hash
    except (KeyError, ValueError):
        raise InvalidInput("There is no seed in it, or it is not written in hexadecimal digits.") from None
    wanted = decode(TICKET, ticket) if ticket else None
    wrong: list[str] = []
    places: dict[Lane, int] = {}
    seen: set[UUID] = set()
    for lane, told in lanes.items():
        order = sorted(told, key=lambda id: draw_of(seed, id))
        for place, (should, is_) in enumerate(zip(order, told, strict=True), 1):
            if should != is_ and len(wrong) < WRONG_SHOWN:
                wrong.append(f"{lane.value} {place}: {encode(TICKET, is_)}, computed {encode(TICKET, should)}")
            if should in seen and len(wrong) < WRONG_SHOWN:
                wrong.append(f"{lane.value} {place}: {encode(TICKET, should)} is there twice")
            seen.add(should)
            if should == wanted:
                places[lane] = place
    fits = hash_of(seed) == published_hash == noted
    return DrawProof(fits, {lane: len(told) for lane, told in lanes.items()}, wrong, places)


def _read(lines: Iterable[str]) -> tuple[dict[str, str], dict[Lane, Sequence[UUID]]]:
    head: dict[str, str] = {}
    lanes: dict[Lane, list[UUID]] = {}
    lane: list[UUID] | None = None
    for number, line in enumerate(lines, 1):
        name, _, value = line.strip().partition(" ")
        if not name:
            continue
        if number > MAX_LINES or (number == 1 and line.strip() != HEAD):
            raise InvalidInput(f"This is no list of a draw: its first line is `{HEAD}`.")
        if name == "lane" and value in set(Lane):
            lane = lanes.setdefault(Lane(value), [])
        elif lane is None:
            head[name] = value
        elif name == str(len(lane) + 1):
            lane.append(decode(TICKET, value))
        else:
            raise InvalidInput(f"Line {number} is not place {len(lane) + 1} of its lane.")
    return head, dict(lanes)
