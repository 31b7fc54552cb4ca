"""How an open red packet is split: by chance that nobody can choose and everybody can check. Pure.

The secret's SHA-256 is published with the packet, the secret once it is over. Part n of a packet of `parts` parts is
what lies between the n-th and the next of `parts - 1` cuts through what is over when each has its least; cut n is
HMAC-SHA256(secret, n as 8 bytes, big-endian) modulo that much and one.
"""

import hmac
from functools import lru_cache
from itertools import pairwise


@lru_cache(maxsize=64)
def packet_parts(secret: bytes, budget: int, parts: int, at_least: int) -> tuple[int, ...]:
    """The parts in the order in which they are opened; each `at_least` or more, together the budget."""
    over = budget - parts * at_least
    cuts = sorted(
        int.from_bytes(hmac.digest(secret, number.to_bytes(8, "big"), "sha256")) % (over + 1)
        for number in range(1, parts)
    )
    edges = [0, *cuts, over]
    return tuple(at_least + high - low for low, high in pairwise(edges))
