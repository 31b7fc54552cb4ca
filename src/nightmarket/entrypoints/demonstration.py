"""The demo's accounts: known to everyone, so they exist only while nobody but this machine can reach the shop."""

import msgspec

from nightmarket.platform.settings import Settings


class DemoAccount(msgspec.Struct, frozen=True):
    """An account of the demo, to be shown."""

    role: str
    email: str
    password: str


DEMO_ACCOUNTS = [
    DemoAccount(role, f"{role}@demo.example", f"demo-{role}-night")
    for role in ("operator", "merchant", "marketer", "service", "picker", "shopper")
]


def demo_accounts(settings: Settings) -> list[DemoAccount]:
    """The accounts to show: only of a demo, and only while nobody but this machine can reach the shop."""
    if not (settings.demo and settings.is_loopback):
        return []
    return list(DEMO_ACCOUNTS)
