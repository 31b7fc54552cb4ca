"""What answers say of our capabilities, to agents of every kind."""

from itertools import combinations

import msgspec

from nightmarket.entrypoints.ucp import wire
from nightmarket.entrypoints.ucp.api import HANDLERS
from nightmarket.entrypoints.ucp.negotiating import EXTENDS, Capable
from nightmarket.entrypoints.ucp.translate import capabilities
from nightmarket.platform.access.agents import AgentProfile

OURS = ("checkout", "fulfillment", "discount", "buyer_consent")


def told(capable: Capable, profile: AgentProfile | None) -> object:
    return msgspec.json.decode(wire.ENCODE.encode(capable.to(profile)))


def expected(*names: str) -> object:
    return msgspec.to_builtins(wire.Meta(wire.VERSION, "success", capabilities(*names), HANDLERS))


def test_each_agent_is_told_what_both_have() -> None:
    """However often agents come, and in whichever order: each is told those of ours that its profile names in our
    version, without extensions of nothing; one of whom nothing is known is told all."""
    capable = Capable(capabilities(*OURS), HANDLERS)
    for named in [*(some for size in range(5) for some in combinations(OURS, size))] * 2:
        versions = {f"{wire.SHOPPING}.{one}": (wire.VERSION if one in named else "2026-01-11",) for one in OURS}
        profile = AgentProfile("https://agent.example", wire.VERSION, versions, None)
        left = [name for name in named if name not in EXTENDS or "checkout" in named]
        assert told(capable, profile) == expected(*left)
        assert told(capable, None) == expected(*OURS)
