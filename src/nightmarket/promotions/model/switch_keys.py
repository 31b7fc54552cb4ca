"""What can be turned off, and prepared sets of it."""

from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from .effects import Effect

MAX_PLANS = 50
MAX_KEYS = 100
"""Switches of one prepared set."""

MAX_SWITCHED = 5_000
"""Offers that one press takes out of the book or puts back."""

MAX_PLAN_NAME_LETTERS = 60
PLAN = "plb"

MECHANIC, MERCHANT, BLOCK = "mechanic:", "merchant:", "block:"

BLOCKS = (
    "countdown",
    "front.rush",
    "front.waves",
    "front.tickets",
    "front.brands",
    "front.stalls",
    "front.goods",
    "product.rivals",
    "festival.goods",
)
"""Parts of pages that have a name, by which they can be turned off."""

MECHANICS: dict[str, type] = {effect.__struct_config__.tag: effect for effect in get_args(Effect)}
"""Kinds of offers by their stable word."""


BEGUN = ("coupons", "booklets", "groups", "presales", "draws", "surprises", "samples", "packets")
"""Mechanics that shoppers begin by a press: turned off, nobody begins; what was begun goes on."""


class Switch(msgspec.Struct, frozen=True):
    """Something that is turned off: since when, by whom, and by which prepared set, if one did."""

    key: str
    at: datetime
    by: str
    plan: UUID | None = None


class PlanB(msgspec.Struct, frozen=True):
    """Several switches to be turned off in one press, and on again in one."""

    id: UUID
    name: str
    keys: tuple[str, ...]
    made_at: datetime
    made_by: str
    applied_at: datetime | None = None
    applied_by: str = ""
