"""Web push: what a browser that agreed is told while no page is open (RFC 8030, 8291, 8292).

keys = open_keys(home)                                              VAPID keys, made on the first start
keys.public -> str                                                  what a page hands to `pushManager.subscribe`
await subscribe(tx, Subscription(id=, owner=, endpoint=, p256dh=, auth=, made_at=))       raises InvalidInput
await of_owner(connection, owner) -> list[Subscription]; await forget_owner(tx, owner)
WebPushChannel(database, outside, keys, clock)                      a channel of the postman: `to` is `psh_...`
sealed(payload, subscription) -> bytes; authorization(keys, endpoint, now) -> str          pure, for tests
PushTwin(database, clock, ids, address)                             a push service of our own, for demo and tests

An endpoint that says it is gone (404, 410) loses its subscription. Bounds: 3,000 bytes a message, 20 browsers an owner.
"""

from .channel import WebPushChannel
from .keys import PushKeys, open_keys
from .sealing import authorization, sealed
from .store import MAX_SUBSCRIPTIONS, Subscription, forget_owner, of_owner
from .subscribing import PUSH, subscribe
from .twin import PushTwin

__all__ = [
    "MAX_SUBSCRIPTIONS",
    "PUSH",
    "PushKeys",
    "PushTwin",
    "Subscription",
    "WebPushChannel",
    "authorization",
    "forget_owner",
    "of_owner",
    "open_keys",
    "sealed",
    "subscribe",
]
