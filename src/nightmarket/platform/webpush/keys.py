"""The key pair by which push services know us (RFC 8292): made once, kept in the home."""

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nightmarket.kernel.problems import Defect
from nightmarket.platform.access.signing import encode_base64
from nightmarket.platform.home import write_private

FILE = "vapid.pem"


class PushKeys:
    """A P-256 key pair."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private

    @property
    def public_bytes(self) -> bytes:
        """The public key as an uncompressed point, 65 bytes."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def public(self) -> str:
        """As browsers want it: base64url without padding."""
        return encode_base64(self.public_bytes)

    @property
    def pem(self) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def open_keys(home: Path) -> PushKeys:
    """The keys of this home. Of processes that start together one makes them, and all read the same."""
    file = home / FILE
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        fresh = home / f".{FILE}.{os.getpid()}.new"
        write_private(fresh, PushKeys(ec.generate_private_key(ec.SECP256R1())).pem)
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    found = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise Defect(f"{file} holds another kind of key than push services know")
    return PushKeys(found)
