"""The festival capability on the wire; its JSON Schema is made of these structs, so that both say the same."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Struct, UnsetType

VERSION = "2026-11-11"
"""Of the capability; what an agent has read once keeps its meaning within a version."""

SCHEMA = "/ucp/festival/schema.json"


class Stretch(Struct, omit_defaults=True):
    """A phase of a festival: on from its beginning until just before its end. `kind` is warmup, presale, deposits, eve,
    midnight, wave or encore."""

    id: str
    kind: str
    title: str
    starts_at: datetime
    ends_at: datetime
    is_on: bool = False


class FestivalWindow(Struct):
    """One of a festival's times, such as 11.11, with its phases in order."""

    id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    phases: list[Stretch]


class Celebration(Struct, omit_defaults=True):
    """The festival that is on or comes next, in the time zone that it is planned in. `counts_to` is the instant that a
    countdown counts to."""

    id: str
    title: str
    time_zone: str
    windows: list[FestivalWindow]
    counts_to: datetime | UnsetType = UNSET


class Happening(Struct, omit_defaults=True):
    """Something that a buyer can take part in at `url`, in [opens_at, closes_at): `kind` is draw, surprise_price,
    waiting_room, presale, group, coupon or another word; `state` says where it stands. Members of `terms` depend on
    the kind, and amounts among them are minor units of `currency`, or of the currency that ends a member's name."""

    kind: str
    id: str
    title: str
    state: str
    url: str
    opens_at: datetime | UnsetType = UNSET
    closes_at: datetime | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    items: list[str] | UnsetType = UNSET
    """The variants that it is about, as the catalogue names them; absent: it is about no certain goods."""
    terms: dict[str, str | int | bool] | UnsetType = UNSET


class FestivalAnswer(Struct):
    """What is on now. `now` is the shop's clock, by which all instants here are meant."""

    version: str
    now: datetime
    happenings: list[Happening]
    festival: Celebration | None = None


class AskedFor(Struct, omit_defaults=True):
    """Goods: of each list that is there one entry is enough, and all lists that are there must fit. Ids as in the
    catalog; categories by their short names."""

    products: list[str] = []
    variants: list[str] = []
    merchants: list[str] = []
    categories: list[str] = []
    brands: list[str] = []


class Threshold(Struct, omit_defaults=True):
    """The next step of an offer: with `missing` minor units of `currency` more, or `missing_units` more pieces, of the
    goods that it is for, it takes off `gain` more, or `gain_basis_points` of these goods instead. `applied` is what it
    takes off already."""

    title: str
    currency: str
    ends_at: datetime
    missing: int = 0
    missing_units: int = 0
    gain: int = 0
    gain_basis_points: int = 0
    applied: int = 0
    merchant: str = ""
    """Whose goods are meant, where each merchant's count apart."""
    asks_for: list[AskedFor] = []
    """What is missing where it is not more of the same: some of each entry. At most 100 ids or words a list."""
    is_present: bool = False
    """It gives `missing_units` of what it asks for: put into the cart, they cost nothing."""


class FestivalRequest(Struct, frozen=True):
    """Member `festival` of a request that makes or replaces a cart or checkout. `visits`: of each place at which the
    buyer is, what its QR code says, as an address or its last part alone; at most 5."""

    visits: list[str] = []


class Visited(Struct, omit_defaults=True):
    """A place at which the buyer is: its short name, its name, and until when its offers hold for this cart or
    checkout; without that the place is closed now, and they do not."""

    place: str
    title: str
    until: datetime | None = None


class FestivalEcho(Struct):
    """Member `festival` of the answer to a request that had one."""

    visits: list[Visited]


class ThresholdsAnswer(Struct):
    """What a cart or checkout is short of, nearest first, at most 20; and the places at which its buyer is."""

    version: str
    id: str
    now: datetime
    thresholds: list[Threshold]
    visits: list[Visited] = []


def json_schema(url: str) -> dict[str, object]:
    """The schema of both answers, and of the member `festival` of carts and checkouts, as it is published there."""
    _, parts = msgspec.json.schema_components(
        [FestivalAnswer, ThresholdsAnswer, FestivalRequest, FestivalEcho], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": url,
        "title": "Nightmarket's festival capability for UCP",
        "description": "Answers of GET /ucp/festival and of GET /ucp/{carts|checkout-sessions}/{id}/festival. "
        "Requests that make or replace a cart or checkout may have a member `festival` ($defs/FestivalRequest); their "
        "answers have one then ($defs/FestivalEcho).",
        "oneOf": [{"$ref": "#/$defs/FestivalAnswer"}, {"$ref": "#/$defs/ThresholdsAnswer"}],
        "$defs": parts,
    }


def name_of(address: str) -> str:
    """The capability's name: the shop's host read backwards; `localhost` where it has no name yet."""
    host = urlsplit(address).hostname or "localhost"
    labels = host.split(".")
    is_name = any(letter.isalpha() for letter in labels[-1]) and ":" not in host
    return f"{'.'.join(reversed(labels)) if is_name else 'localhost'}.shopping.festival"


def capability(address: str) -> dict[str, list[dict[str, Any]]]:
    """What the profile says of it."""
    entry = {
        "version": VERSION,
        "spec": f"{address}/docs#tag/Festival",
        "schema": f"{address}{SCHEMA}",
        "extends": ["dev.ucp.shopping.cart", "dev.ucp.shopping.checkout"],
    }
    return {name_of(address): [entry]}
