"""What happens on a command, a fact or a webhook."""

from .journal import StoredJournal
from .payments import StoredPayments
from .webhooks import WebhookReceiver

__all__ = ["StoredJournal", "StoredPayments", "WebhookReceiver"]
