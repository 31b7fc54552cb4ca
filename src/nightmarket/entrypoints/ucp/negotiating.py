"""What of our capabilities holds with an agent: those of which its profile names the same version (UCP, "Negotiation").

An operation is done for an agent that names the capability which the operation needs, in a version of ours. A profile
that could not be had, or not yet, keeps nobody from going on: then all that we can do is said. What begins with such a
profile is refused by `UcpApi.newcomer`.
"""

from collections.abc import Mapping
from typing import Any

from nightmarket.kernel.problems import Kind, Problem
from nightmarket.platform.access.agents import AgentProfile

from . import wire

MEET_SECONDS = 0.3
"""How long making a cart or checkout waits for the first look at an unknown agent's profile."""

EXTENDS = {
    "fulfillment": ("checkout",),
    "discount": ("cart", "checkout"),
    "buyer_consent": ("cart", "checkout"),
}
"""What extends what of the capabilities."""


class VersionUnsupported(Problem):
    """The agent speaks another version of UCP."""

    code = "version_unsupported"
    kind = Kind.UNPROCESSABLE


class CapabilitiesIncompatible(Problem):
    """The agent's profile names no version of what the operation needs that is spoken here: an outcome, so a 200."""

    code = "capabilities_incompatible"
    kind = Kind.UNPROCESSABLE

    @property
    def status(self) -> int:
        return 200


def check(profile: AgentProfile | None, needed: str, address: str) -> None:
    """Raise VersionUnsupported for an agent of another version, and CapabilitiesIncompatible for one without what the
    operation needs ("Request-Time Validation"). Of whom no profile is known, nothing is asked."""
    if profile is None:
        return
    if profile.version != wire.VERSION:
        raise VersionUnsupported(
            f"Protocol version {profile.version} is not supported. This shop supports {wire.VERSION}.",
            field="UCP-Agent",
        )
    name = f"{wire.SHOPPING}.{needed}"
    if not _shared(name, profile):
        text = f"Your profile does not name {name} in version {wire.VERSION}, which this operation needs."
        raise CapabilitiesIncompatible(text, continue_url=f"{address}/")


def negotiated(meta: wire.Meta, profile: AgentProfile | None) -> wire.Meta:
    """What an answer says of its capabilities to this agent: those that both have, without extensions of nothing."""
    if profile is None or not isinstance(meta.capabilities, dict):
        return meta
    both = {name: entries for name, entries in meta.capabilities.items() if _shared(name, profile)}
    return wire.Meta(
        meta.version,
        meta.status,
        {name: entries for name, entries in both.items() if _extends_something(name, both)},
        meta.payment_handlers,
        meta.services,
    )


def _shared(name: str, profile: AgentProfile) -> bool:
    return wire.VERSION in profile.capabilities.get(name, ())


def _extends_something(name: str, both: Mapping[str, Any]) -> bool:
    parents = EXTENDS.get(name.removeprefix(f"{wire.SHOPPING}."))
    return parents is None or any(f"{wire.SHOPPING}.{parent}" in both for parent in parents)
