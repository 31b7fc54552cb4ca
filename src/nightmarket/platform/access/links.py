"""Addresses that open one thing to whoever has them, for a while: the id and the last instant, signed."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.kernel.clock import Clock

from .signing import Signer

_SECONDS_BYTES = 5
_SIZE = 16 + _SECONDS_BYTES


class Links:
    """Signs and reads the tokens of one purpose. No table: what is signed stays good until its end."""

    def __init__(self, secret_key: bytes, purpose: str, life: timedelta, clock: Clock) -> None:
        self._signer = Signer(secret_key, f"link:{purpose}")
        self._life = life
        self._clock = clock

    def token(self, id: UUID, since: datetime) -> str:
        """The token for a thing, good for this purpose's life from `since`."""
        ends = int((since + self._life).timestamp())
        return self._signer.seal(id.bytes + ends.to_bytes(_SECONDS_BYTES, "big"))

    def read(self, token: str) -> UUID | None:
        """What the token opens, if we signed it and its time has not passed."""
        raw = self._signer.unseal(token, _SIZE)
        if raw is None or int.from_bytes(raw[16:], "big") <= self._clock.now().timestamp():
            return None
        return UUID(bytes=raw[:16])
