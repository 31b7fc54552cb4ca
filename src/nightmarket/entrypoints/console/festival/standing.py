"""Switches and prepared sets in words."""

from collections.abc import Sequence

import msgspec

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.switches import (
    BEGUN,
    BLOCK,
    BLOCKS,
    MECHANIC,
    MECHANICS,
    MERCHANT,
    PLAN,
    PlanB,
    Switch,
)

from .words import switch_words

GROUPS = ((MECHANIC, say_later("Mechanics")), (BLOCK, say_later("Parts of pages")), (MERCHANT, say_later("Merchants")))


class SwitchView(msgspec.Struct, frozen=True):
    """Something that can be turned off, and whether it is."""

    key: str
    group: str
    words: str
    off: Switch | None


class PlanView(msgspec.Struct, frozen=True):
    """A prepared set in words."""

    ident: str
    plan: PlanB
    words: Sequence[str]


async def switch_views(desk: Desk) -> list[SwitchView]:
    """Every mechanic and block, and the merchants that are off."""
    off = {switch.key: switch for switch in desk.shop.switches.off()}
    names = await _merchants(desk)
    keys = [*(f"{MECHANIC}{name}" for name in (*MECHANICS, *BEGUN)), *(f"{BLOCK}{name}" for name in BLOCKS)]
    keys.extend(key for key in off if key.startswith(MERCHANT))
    groups = {start: desk.say(words) for start, words in GROUPS}
    return [
        SwitchView(key, groups[f"{key.partition(':')[0]}:"], switch_words(desk, key, names), off.get(key))
        for key in keys
    ]


async def plan_views(desk: Desk) -> list[PlanView]:
    names = await _merchants(desk)
    async with desk.shop.database.read() as connection:
        plans = await desk.shop.switches.plans(connection)
    return [
        PlanView(encode(PLAN, plan.id), plan, [switch_words(desk, key, names) for key in plan.keys]) for plan in plans
    ]


async def _merchants(desk: Desk) -> dict[str, str]:
    return {str(one.id): one.name for one in await desk.shop.catalog.merchants()}
