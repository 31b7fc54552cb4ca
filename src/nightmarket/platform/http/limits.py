"""Rate limits: one token bucket per key, in memory, bounded.

The bucket is kept as one number per key, the instant at which it will be full again (the generic cell rate
algorithm), in whole nanoseconds, so that nothing drifts.
"""

import ipaddress
from collections import OrderedDict
from functools import lru_cache

import msgspec

from .addresses import ADDRESSES_KEPT, LETTERS_LIMIT
from .asgi import Headers
from .errors import TooManyRequests

KEYS_LIMIT = 50_000
"""Buckets kept; the one unused for longest is forgotten, which can only let a request through, never refuse one."""

_SECOND = 1_000_000_000


class Rate(msgspec.Struct, frozen=True):
    """`amount` requests at once, refilled evenly over `seconds`."""

    amount: int
    seconds: int


class Verdict(msgspec.Struct, frozen=True):
    """Whether a request may pass; what is left; when the bucket is full again; when to try again if refused."""

    allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


class RateLimiter:
    """Buckets of one rate. One per process: a house of N processes lets up to N times the rate pass."""

    def __init__(self, rate: Rate, *, name: str = "default", keys_limit: int = KEYS_LIMIT) -> None:
        self.rate = rate
        self._name = name
        self._interval = rate.seconds * _SECOND // rate.amount
        self._room = self._interval * rate.amount
        self._keys_limit = keys_limit
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: int, cost: int = 1) -> Verdict:
        """Take `cost` tokens at `now` (nanoseconds of any steady clock); refused takes cost nothing."""
        before = self._full_at.get(key, now)
        full_at = max(before, now) + self._interval * cost
        wait = full_at - now - self._room
        if wait > 0:
            return Verdict(False, (self._room - max(before - now, 0)) // self._interval, _up(before - now), _up(wait))
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys_limit:
            self._full_at.popitem(last=False)
        return Verdict(True, -wait // self._interval, _up(full_at - now), 0)

    def headers(self, verdict: Verdict) -> Headers:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        name = self._name
        return [
            (b"ratelimit-policy", f'"{name}";q={self.rate.amount};w={self.rate.seconds}'.encode()),
            (b"ratelimit", f'"{name}";r={verdict.remaining};t={verdict.reset_seconds}'.encode()),
        ]

    def require(self, key: str, now: int) -> Verdict:
        """Take one token or raise TooManyRequests."""
        verdict = self.take(key, now)
        if not verdict.allowed:
            raise refusal(verdict)
        return verdict


def refusal(verdict: Verdict) -> TooManyRequests:
    seconds = verdict.retry_after_seconds
    return TooManyRequests(
        f"That was faster than the limit; try again in {seconds} seconds.", retry_after_seconds=seconds
    )


def _up(nanoseconds: int) -> int:
    return max(0, -(-nanoseconds // _SECOND))


def address_key(address: str) -> str:
    """Whom an address stands for: itself, or for IPv6 its /64, which one visitor has whole."""
    return _network(address) if ":" in address and len(address) <= LETTERS_LIMIT else address


@lru_cache(ADDRESSES_KEPT)
def _network(address: str) -> str:
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
