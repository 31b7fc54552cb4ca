"""The outside world of money: the null provider, and a test provider that behaves like a real one."""

from .cards import TEST_CARDS, TestCards
from .null import NullProvider
from .testpay import TestProvider
from .transfers import BankTransfers
from .wallet import WalletAlone
from .webhooks import WebhookOptions, WebhookSender

__all__ = [
    "TEST_CARDS",
    "BankTransfers",
    "NullProvider",
    "TestCards",
    "TestProvider",
    "WalletAlone",
    "WebhookOptions",
    "WebhookSender",
]
