"""Webhooks of orders, as people see them: what waits, what went out, what the receiver answered, and once more."""
