"""What of our capabilities holds with an agent: those of which its profile names the same version (UCP, "Negotiation").

An operation is done for an agent that names the capability which the operation needs, in a version of ours. A profile
that could not be had, or not yet, keeps nobody from going on: then all that we can do is said. What begins with such a
profile is refused by `UcpApi.newcomer`.
"""

from collections.abc import Collection
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from nightmarket.kernel.problems import Kind, Problem
from nightmarket.platform.access.agents import AgentProfile

from . import wire

Entries: TypeAlias = dict[str, list[dict[str, Any]]]
"""Capabilities or payment handlers by name, as UCP writes them."""

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


class Capable:
    """What one kind of answer says of its capabilities to each agent."""

    def __init__(self, capabilities: Entries, payment_handlers: Entries | UnsetType = UNSET) -> None:
        self._capabilities = capabilities
        self._handlers = payment_handlers
        self._all = tuple(capabilities)
        self._said: dict[tuple[str, ...], Any] = {}

    def to(self, profile: AgentProfile | None) -> Any:
        """A `wire.Meta` of what both have, without extensions of nothing. It is encoded once for all agents that have
        the same of our few capabilities."""
        names = self._all if profile is None else tuple([one for one in self._all if _shared(one, profile)])
        said = self._said.get(names)
        if said is None:
            both = {name: self._capabilities[name] for name in names if _extends_something(name, names)}
            said = self._said[names] = wire.encoded(wire.Meta(wire.VERSION, "success", both, self._handlers))
        return said


def _shared(name: str, profile: AgentProfile) -> bool:
    return wire.VERSION in profile.capabilities.get(name, ())


def _extends_something(name: str, both: Collection[str]) -> bool:
    parents = EXTENDS.get(name.removeprefix(f"{wire.SHOPPING}."))
    return parents is None or any(f"{wire.SHOPPING}.{parent}" in both for parent in parents)
