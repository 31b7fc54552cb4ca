"""A push service of our own and the browsers behind it: what one machine has instead of the world.

It takes what any push service takes (RFC 8030), opens it as the browser would, and lays it into the box of messages
that people read in the console.
"""

import os
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, encode
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.messages import ChannelKind, Message, Parcel
from nightmarket.platform.messages.store import arrive

from . import store
from .channel import Payload
from .keys import PushKeys
from .sealing import is_signed, opened
from .store import Subscription
from .subscribing import AUTH_BYTES, PUSH

PATH = "/push-twin"


class PushTwin:
    """Makes browsers that agree, and receives for them."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, address: str) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._address = address

    async def browser(self, tx: Connection, owner: UUID) -> Subscription:
        """A browser that agrees; its keys stay here, as they would stay in it."""
        id, auth, now = self._ids.new(), os.urandom(AUTH_BYTES), self._clock.now()
        keys = PushKeys(ec.generate_private_key(ec.SECP256R1()))
        await store.insert_twin(tx, id, keys.pem, auth, now)
        endpoint = f"{self._address}{PATH}/{encode(PUSH, id)}"
        return Subscription(id=id, owner=owner, endpoint=endpoint, p256dh=keys.public_bytes, auth=auth, made_at=now)

    async def leave(self, tx: Connection, id: UUID) -> None:
        """The browser goes: its endpoint answers 410 from now on."""
        await store.delete_twin(tx, id)

    async def receive(self, id: UUID, headers: dict[str, str], body: bytes) -> int:
        """The status that a push service would answer with."""
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit():
            return 400
        if not is_signed(headers.get("authorization", "")):
            return 401
        async with self._database.read() as connection:
            found = await store.read_twin(connection, id)
        if found is None:
            return 410
        private = serialization.load_pem_private_key(found[0], password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        try:
            payload = msgspec.json.decode(opened(body, private, found[1]), type=Payload)
        except (ValueError, msgspec.DecodeError):
            return 400
        message = Message(
            key=f"push-twin:{self._ids.new()}",
            channel=ChannelKind.PUSH,
            to=encode(PUSH, id),
            language="en",
            subject=payload.title,
            text=f"{payload.body}\n{payload.url}",
        )
        async with self._database.transaction() as tx:
            await arrive(tx, [Parcel(self._ids.new(), message)], self._clock.now())
        return 201
