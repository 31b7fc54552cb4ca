"""Agents: programs that name themselves by the address of their UCP profile, in the header `UCP-Agent`.

A profile is fetched through the address filter, checked as UCP's schema `profile.json#/$defs/platform_schema` asks,
and kept for as long as its `Cache-Control` says, at least a minute and at most an hour. Every bound is a constant here.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import http_sf
import msgspec
from msgspec import UNSET, Meta, UnsetType

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Kind, Problem
from nightmarket.platform.outside import Outside, OutsideFailed, OutsideRefused, Question

from .cache import TimedCache

VERSION = "2026-04-08"
ORDER = "dev.ucp.shopping.order"
MAX_HEADER = 2_500
PROFILE_BYTES = 131_072
"""UCP, "Fetching", 8: a bound no lower than 128 KiB."""

PROFILES_KEPT = 1_000
FRESH_SECONDS, MIDDLE_SECONDS, LONGEST_SECONDS = 60, 600, 3_600
FAILED_SECONDS = 30
LAST_SECONDS = 7_200
"""A profile that could be had stands in for this long, while its site does not answer or is slow."""

NAMED_KEPT, NAMED_SECONDS = 10_000, 86_400
LOOKUPS_AT_ONCE = 8
LOOKUPS_A_MINUTE = 120
"""Addresses that are not known yet and may be asked in a minute, by one process."""

_NAME = r"^[a-z](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9_])?)+$"
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}

Version = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
Name = Annotated[str, Meta(pattern=_NAME)]


class ProfileAddressInvalid(Problem):
    """`UCP-Agent` names no profile, or one at an address that is not asked."""

    code = "invalid_profile_url"
    kind = Kind.INVALID


class ProfileUnreachable(Problem):
    """The agent's profile could not be fetched."""

    code = "profile_unreachable"
    kind = Kind.UNPROCESSABLE

    @property
    def status(self) -> int:
        return 424


class ProfileMalformed(Problem):
    """What lies there is no profile by UCP's schema."""

    code = "profile_malformed"
    kind = Kind.UNPROCESSABLE


class AgentProfile(msgspec.Struct, frozen=True):
    """What an agent says of itself: its version, the versions of each capability, where it wants to hear of orders,
    and its public keys (JWK)."""

    url: str
    version: str
    capabilities: Mapping[str, tuple[str, ...]]
    webhook_url: str | None
    keys: tuple[Mapping[str, Any], ...] = ()


class _Entity(msgspec.Struct):
    version: Version
    spec: str
    schema: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    config: dict[str, Any] = {}


class _Capability(_Entity):
    extends: Name | Annotated[list[Name], Meta(min_length=1)] | UnsetType = UNSET


class _Service(_Entity):
    transport: str = ""
    endpoint: str | UnsetType = UNSET


class _Instrument(msgspec.Struct):
    type: str
    constraints: dict[str, Any] | UnsetType = UNSET


class _Handler(_Entity):
    available_instruments: Annotated[list[_Instrument], Meta(min_length=1)] | UnsetType = UNSET


class _Ucp(msgspec.Struct):
    version: Version
    services: dict[Name, list[_Service]]
    payment_handlers: dict[Name, list[_Handler]]
    capabilities: dict[Name, list[_Capability]] = {}
    map_order: dict[str, list[str]] | UnsetType = UNSET
    status: str = "success"


class _Profile(msgspec.Struct):
    ucp: _Ucp
    keys: list[dict[str, Any]] = []


def profile_address(header: str | None) -> str:
    """The profile's address in `UCP-Agent: profile="https://..."` (RFC 8941). Raises ProfileAddressInvalid."""
    address: object = None
    if header and len(header) <= MAX_HEADER:
        with contextlib.suppress(ValueError, UnicodeError, KeyError):
            named = cast("Mapping[str, tuple[object, object]]", http_sf.parse(header.encode(), tltype="dictionary"))
            address = named["profile"][0]
    if type(address) is not str or not address:
        raise ProfileAddressInvalid('Name your profile: UCP-Agent: profile="https://...".', field="UCP-Agent")
    return address


def read_profile(url: str, raw: bytes) -> AgentProfile:
    """A profile as it lies at its address. Raises ProfileMalformed with what is wrong and where."""
    try:
        read = msgspec.json.decode(raw, type=_Profile)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProfileMalformed(f"The profile does not follow UCP's schema: {error}."[:500]) from None
    ucp = read.ucp
    if ucp.status not in ("success", "error"):
        raise ProfileMalformed("The profile's ucp.status is neither success nor error.")
    for services in ucp.services.values():
        for one in services:
            if one.transport not in ("rest", "mcp", "a2a", "embedded"):
                raise ProfileMalformed("A service of the profile has no transport of rest, mcp, a2a or embedded.")
            if one.transport != "a2a" and one.schema is UNSET:
                raise ProfileMalformed("A service of the profile names no schema.")
    if any(one.schema is UNSET for entries in ucp.capabilities.values() for one in entries):
        raise ProfileMalformed("A capability of the profile names no schema.")
    for handler in (one for entries in ucp.payment_handlers.values() for one in entries):
        if handler.schema is UNSET or handler.id is UNSET:
            raise ProfileMalformed("A payment handler of the profile names no schema, or has no id.")
    for key in read.keys:
        _check_key(key)
    versions = {name: tuple(one.version for one in entries) for name, entries in ucp.capabilities.items()}
    return AgentProfile(url, ucp.version, versions, _webhook(ucp.capabilities.get(ORDER, ())), tuple(read.keys))


def _check_key(key: Mapping[str, Any]) -> None:
    kind, curve = key.get("kty"), key.get("crv")
    if not isinstance(key.get("kid"), str) or not isinstance(kind, str):
        raise ProfileMalformed("A key of the profile has no kid or no kty.")
    needed = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x")}.get(kind, ())
    if any(name not in key for name in needed):
        raise ProfileMalformed(f"The key {key['kid'][:80]!r} lacks one of {', '.join(needed)}.")
    if any(name in key and not isinstance(key[name], str) for name in ("crv", "x", "y", "alg", "use")):
        raise ProfileMalformed(f"A member of the key {key['kid'][:80]!r} is no text.")
    wanted = _ALGORITHMS.get(curve) if isinstance(curve, str) else None
    if wanted is not None and key.get("alg", wanted) != wanted:
        raise ProfileMalformed(f"The key {key['kid'][:80]!r} is on {curve} and so has the algorithm {wanted}.")
    if not _PRIVATE.isdisjoint(key):
        raise ProfileMalformed("The profile publishes a private key. Take it down, and make another.")


def _webhook(entries: Sequence[_Capability]) -> str | None:
    """Where the order capability of our version wants to be told; its config's schema is `order.json#/$defs`."""
    for one in entries:
        if one.version == VERSION and "webhook_url" in one.config:
            address = one.config["webhook_url"]
            if not isinstance(address, str):
                raise ProfileMalformed(f"The webhook_url of {ORDER} is no text.")
            return address
    return None


class Agents:
    """Looks profiles up. One of these per process."""

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside = outside
        self._clock = clock
        self._known: dict[int, TimedCache[str, AgentProfile | Problem]] = {}
        self._last: TimedCache[str, AgentProfile] = TimedCache(clock, PROFILES_KEPT, LAST_SECONDS)
        self._renewed: TimedCache[str, bool] = TimedCache(clock, PROFILES_KEPT, FRESH_SECONDS)
        self._named: TimedCache[UUID, str] = TimedCache(clock, NAMED_KEPT, NAMED_SECONDS)
        self._asked: dict[str, asyncio.Task[AgentProfile]] = {}
        self._room = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._minute, self._in_minute = 0, 0

    async def look(self, url: str) -> AgentProfile:
        """The profile at that address, perhaps as it was a while ago.

        Raises ProfileAddressInvalid, ProfileUnreachable or ProfileMalformed; these are remembered for half a minute.
        """
        known = self._remembered(url)
        if known is None:
            try:
                known = await self._fetch_once(url)
            except Problem as problem:
                known = problem
        if isinstance(known, Problem):
            raise known.with_traceback(None)
        return known

    def name(self, owner: UUID, url: str) -> None:
        """Remember by which profile the owner of sessions names itself. Asks nobody."""
        self._named.keep(owner, url)

    def known(self, url: str) -> AgentProfile | None:
        """The profile at that address, as far as this process knows it. Asks nobody."""
        found = self._remembered(url)
        return found if isinstance(found, AgentProfile) else self._last.get(url)

    def of(self, owner: UUID) -> AgentProfile | None:
        """The profile by which the owner of sessions named itself, as far as it is known. Asks nobody."""
        url = self._named.get(owner)
        return None if url is None else self.known(url)

    async def meet(self, owner: UUID, seconds: float) -> AgentProfile | None:
        """As `of`; of a profile that nobody has asked for yet, wait for at most `seconds`. It is asked for beside the
        request, so that a slow site holds up nobody for longer, and not those who come while it is asked."""
        url = self._named.get(owner)
        return None if url is None else await self.meet_at(url, seconds)

    async def meet_at(self, url: str, seconds: float) -> AgentProfile | None:
        """As `meet`, by the profile's address."""
        if self._remembered(url) is None:
            is_first = url not in self._asked and self._last.get(url) is None
            asked = self._begin(url)
            if is_first:
                await asyncio.wait({asked}, timeout=seconds)
        return self.known(url)

    async def admit(self, url: str, seconds: float) -> None:
        """As `meet_at`, and raise as `look` what is wrong with a profile that could not be had. One whose site is
        slower than that is let through while it is asked, and one that could be had before stands in."""
        self.check(url)
        if await self.meet_at(url, seconds) is None:
            found = self._remembered(url)
            if isinstance(found, Problem):
                raise found.with_traceback(None)

    async def signer(self, url: str, kid: str) -> AgentProfile:
        """The profile whose keys a signature is held to, perhaps as it was a while ago; asked for again, at most once
        a minute, where it has no such key. Raises as `look` where it is not known at all."""
        profile = self.known(url)
        if profile is None:
            profile = await self.look(url)
        elif self._remembered(url) is None:
            self._begin(url)
        if any(key["kid"] == kid for key in profile.keys) or self._renewed.get(url):
            return profile
        self._renewed.put(url, True)
        try:
            return await asyncio.shield(self._begin(url))
        except Problem:
            return profile

    async def close(self) -> None:
        """Leave what is being asked."""
        asked = list(self._asked.values())
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    def forget(self, url: str) -> None:
        """Ask again the next time."""
        for cache in self._known.values():
            cache.drop(url)

    def check(self, url: str) -> None:
        """Raise ProfileAddressInvalid for an address that would not be asked, as far as it says so itself."""
        try:
            self._outside.check(url)
        except OutsideRefused as refused:
            raise ProfileAddressInvalid(refused.detail, field="UCP-Agent") from None

    async def _fetch_once(self, url: str) -> AgentProfile:
        return await asyncio.shield(self._begin(url))

    def _begin(self, url: str) -> "asyncio.Task[AgentProfile]":
        """Requests that ask for the same profile at once wait for one fetch."""
        asked = self._asked.get(url)
        if asked is None:
            asked = asyncio.create_task(self._fetch(url), name="agent-profile")
            self._asked[url] = asked
            asked.add_done_callback(lambda task: self._noted(url, task))
        return asked

    def _noted(self, url: str, task: "asyncio.Task[AgentProfile]") -> None:
        self._asked.pop(url, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it

    async def _fetch(self, url: str) -> AgentProfile:
        self.check(url)
        self._spend()
        seconds = FAILED_SECONDS
        found: AgentProfile | Problem
        try:
            async with self._room:
                accept = {"accept": "application/json"}
                answer = await self._outside.ask(Question(url=url, headers=accept, max_bytes=PROFILE_BYTES))
            if answer.status != 200:
                raise ProfileUnreachable(f"Your profile's address answered {answer.status}.", field="UCP-Agent")
            found = read_profile(url, answer.body)
            seconds = _life(answer.headers.get("cache-control", ""))
        except OutsideRefused as refused:
            found = ProfileAddressInvalid(refused.detail, field="UCP-Agent")
        except OutsideFailed as failed:
            found = ProfileUnreachable(f"Your profile cannot be read. {failed.detail}", field="UCP-Agent")
        except Problem as problem:
            found = problem
        self._remember(url, found, seconds)
        if isinstance(found, Problem):
            raise found
        return found

    def _spend(self) -> None:
        minute = int(self._clock.now().timestamp()) // 60
        if minute != self._minute:
            self._minute, self._in_minute = minute, 0
        self._in_minute += 1
        if self._in_minute > LOOKUPS_A_MINUTE:
            raise ProfileUnreachable("Too many new agents at once; try again in a minute.", field="UCP-Agent")

    def _remembered(self, url: str) -> AgentProfile | Problem | None:
        for cache in self._known.values():
            found = cache.get(url)
            if found is not None:
                return found
        return None

    def _remember(self, url: str, found: AgentProfile | Problem, seconds: int) -> None:
        self.forget(url)
        if seconds not in self._known:
            self._known[seconds] = TimedCache(self._clock, PROFILES_KEPT, seconds)
        self._known[seconds].put(url, found)
        if isinstance(found, AgentProfile):
            self._last.put(url, found)


def _life(cache_control: str) -> int:
    """Seconds to keep a profile, by its header: one of three steps, so that the caches are few."""
    for part in cache_control.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "max-age" and value.isascii() and value.isdigit():
            asked = int(value[:9])
            return next((step for step in (LONGEST_SECONDS, MIDDLE_SECONDS) if asked >= step), FRESH_SECONDS)
    return FRESH_SECONDS
