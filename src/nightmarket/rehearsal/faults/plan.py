"""Which faults strike when: read from words such as `kill-worker,kill-postgres@40s,random`, drawn from a seed."""

import random
import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from nightmarket.rehearsal.errors import FaultRefused

RANDOM = "random"
MOST_STRIKES = 60
RANDOM_EVERY_SECONDS = 30.0
"""`random` strikes once in so long, on average, and at least once."""

EARLIEST, LATEST = 0.1, 0.85
"""The part of the play in which a fault strikes that was given no time: it has begun, and there is time to be back."""

MOST_LASTING_SECONDS = 60.0
_WORD = re.compile(r"(?P<name>[a-z-]+)(?:@(?P<at>[0-9.]+(?:s|m)?))?(?:\+(?P<lasts>[0-9.]+(?:s|m)?))?")


class Fault(StrEnum):
    """What can strike."""

    KILL_WEB = "kill-web"
    """kill -9 of a web process."""
    KILL_WORKER = "kill-worker"
    """kill -9 of the worker."""
    KILL_BACKEND = "kill-backend"
    """kill -9 of one of PostgreSQL's own processes: it ends all others and recovers from its log."""
    KILL_POSTGRES = "kill-postgres"
    """kill -9 of PostgreSQL itself: its supervisor starts it again."""
    RESTART_POSTGRES = "restart-postgres"
    """PostgreSQL is shut down in order, as for an update, and started again."""
    SILENCE_PROVIDER = "silence-provider"
    """The test provider does what it is asked and tells nobody until the silence is over."""
    FILL_DISK = "fill-disk"
    """Nothing can be written where PostgreSQL keeps its data."""


LASTING: dict[Fault, float] = {Fault.SILENCE_PROVIDER: 10.0, Fault.FILL_DISK: 5.0}
"""Seconds that a fault lasts which is not over at once, where nothing else is said."""


class Strike(msgspec.Struct, frozen=True):
    """One fault: when it strikes in seconds from the beginning of the play, and how long it lasts."""

    fault: Fault
    at_seconds: float
    lasts_seconds: float = 0.0


def read_faults(asked: str, seed: int, seconds: float, among: Sequence[Fault] = tuple(Fault)) -> tuple[Strike, ...]:
    """What is asked for, in order of time; the same words and seed give the same strikes. Raises FaultRefused.

    `NAME[@WHEN][+LASTS]`, apart by commas; `random` draws among those that are possible here, each once
    before any comes again.
    """
    chance = random.Random(f"faults {seed}")  # noqa: S311 (a play, no secrets)
    strikes: list[Strike] = []
    for word in filter(None, (part.strip() for part in asked.split(","))):
        strikes += _random(chance, seconds, among) if word == RANDOM else [_named(word, chance, seconds)]
    if len(strikes) > MOST_STRIKES:
        raise FaultRefused(f"At most {MOST_STRIKES} faults strike in one play; these are {len(strikes)}.")
    return tuple(sorted(strikes, key=lambda strike: strike.at_seconds))


def _named(word: str, chance: random.Random, seconds: float) -> Strike:
    found = _WORD.fullmatch(word)
    if found is None or found["name"] not in set(Fault):
        known = ", ".join([*Fault, RANDOM])
        raise FaultRefused(f"{word!r} is no fault. There are: {known}; with a time: kill-worker@40s.")
    fault = Fault(found["name"])
    at = _seconds(found["at"]) if found["at"] else _some_time(chance, seconds)
    lasts = _seconds(found["lasts"]) if found["lasts"] else LASTING.get(fault, 0.0)
    if at > seconds:
        raise FaultRefused(f"{word} would strike after the play, which takes {seconds:.0f} s.")
    if found["lasts"] and fault not in LASTING:
        raise FaultRefused(f"{fault} is over at once; it cannot last for a time.")
    if lasts > MOST_LASTING_SECONDS:
        raise FaultRefused(f"A fault lasts {MOST_LASTING_SECONDS:.0f} s at most.")
    return Strike(fault, at, lasts)


def _random(chance: random.Random, seconds: float, among: Sequence[Fault]) -> list[Strike]:
    if not among:
        raise FaultRefused("No fault is possible here.")
    amount = max(1, round(seconds / RANDOM_EVERY_SECONDS))
    drawn: list[Fault] = []
    while len(drawn) < min(amount, MOST_STRIKES):
        drawn += chance.sample(among, len(among))  # each once before any comes again
    drawn = drawn[: min(amount, MOST_STRIKES)]
    return [Strike(fault, _some_time(chance, seconds), LASTING.get(fault, 0.0)) for fault in drawn]


def _some_time(chance: random.Random, seconds: float) -> float:
    return round(chance.uniform(EARLIEST, LATEST) * seconds, 1)


def _seconds(text: str) -> float:
    number = float(text.rstrip("sm")) if text.rstrip("sm").count(".") <= 1 and text.rstrip("sm.") else -1.0
    if number < 0:
        raise FaultRefused(f"{text} is no time; write 40s or 1.5m.")
    return number * 60 if text.endswith("m") else number


def possible(*, may_fill_disk: bool, has_provider: bool = True, own_database: bool = True) -> tuple[Fault, ...]:
    """What can strike a shop: a database of one's own by URL is not ours to kill, nor its disk to fill."""
    database = (Fault.KILL_BACKEND, Fault.KILL_POSTGRES, Fault.RESTART_POSTGRES) if own_database else ()
    disk = (Fault.FILL_DISK,) if may_fill_disk and own_database else ()
    provider = (Fault.SILENCE_PROVIDER,) if has_provider else ()
    return (Fault.KILL_WEB, Fault.KILL_WORKER, *database, *provider, *disk)
