"""Telling others what happened, by POST to their address: signed, at least once, each with an id of its own.

subscribers = Subscribers(database, clock, agents, outside)
await subscribers.note(owner, ucp_agent_header) -> None                    before an agent's checkout is made
await subscribers.register(owner, url) -> Address; .registered(owner); .remove(owner)      an API key's own address
await hearing(connection, owners, now) -> [(owner, source)]; await heard(connection, about) -> [(about, owner, source)]
await queue(tx, [Event(id, about, event, owner, source, happened_at)], now) -> int         in the consumer's transaction
sender = Sender(database, clock, keys, agents, entity, SenderOptions(...)); await sender.step(); .sweep(); .close()
keys = SigningKeys(database, clock, secret); await keys.ensure(); .published() -> [JWK]; .current(); .rotate(tx)
await page(connection, state, about, before, limit); one(connection, id); again(tx, ids, now); figures(connection, now)
"""

from .deliveries import Delivery, DeliveryState, Event
from .keys import SigningKeys
from .sender import PREFIX, Sender, SenderOptions, outside_of
from .store import KeyRow, WebhookFigures, again, any_address, figures, heard, hearing, one, page, queue
from .store import keys as shown_keys
from .subscribers import Address, Subscribers

__all__ = [
    "PREFIX",
    "Address",
    "Delivery",
    "DeliveryState",
    "Event",
    "KeyRow",
    "Sender",
    "SenderOptions",
    "SigningKeys",
    "Subscribers",
    "WebhookFigures",
    "again",
    "any_address",
    "figures",
    "heard",
    "hearing",
    "one",
    "outside_of",
    "page",
    "queue",
    "shown_keys",
]
