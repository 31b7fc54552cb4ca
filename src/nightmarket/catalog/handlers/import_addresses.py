"""Pictures by address: on the web, or in this shop itself."""

import re
from urllib.parse import urlsplit

from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.checks import RowRefused, excerpt

_OWN = re.compile(r"media:([0-9a-f]{64})\Z")
_PATH = re.compile(r"/media/([0-9a-f]{64})/[0-9]{1,4}\Z")


def is_address(name: str) -> bool:
    """Whether the name of a picture is an address on the web."""
    return name[:8].lower().startswith(("http://", "https://"))


def own_image(name: str, address: str) -> str | None:
    """The SHA-256 of a picture that this shop has: of `media:` and its hash, or of its own address."""
    found = _OWN.match(name)
    if found is None and address and name.startswith(f"{address}/"):
        found = _PATH.match(name.removeprefix(address))
    return found[1] if found else None


def host_of(url: str) -> str:
    """The host of an address, for counting."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def address_refused(url: str, why: str) -> RowRefused:
    """An address that is not asked."""
    return RowRefused(
        "media",
        Reason.PICTURE_ADDRESS,
        f"The picture {excerpt(url)} is not fetched: {why}",
        "Give an address that everybody on the web can open, beginning with https://.",
    )


def address_failed(url: str, why: str) -> RowRefused:
    """An address that did not give its picture."""
    return RowRefused(
        "media",
        Reason.PICTURE_MISSING,
        f"The picture {excerpt(url)} could not be fetched: {why}",
        "Open the address in a browser; mend it or wait, and import again.",
    )
