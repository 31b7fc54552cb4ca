"""What the order desk finds wrong is called as the request calls it."""

from typing import Any

import msgspec
import pytest

from nightmarket.entrypoints.ucp import wire
from nightmarket.entrypoints.ucp.naming import named
from nightmarket.kernel.problems import InvalidInput

TO = {"id": "home", "address_country": "Nowhere"}
OTHER = {"id": "work", "address_country": "DE"}


def sent(**more: Any) -> wire.SessionRequest:
    """A request with two destinations, the second of which is selected."""
    methods = [{"destinations": [OTHER, TO], "selected_destination_id": "home"}]
    return msgspec.convert({"fulfillment": {"methods": methods}, **more}, wire.SessionRequest)


@pytest.mark.parametrize(
    ("field", "request_", "path"),
    [
        ("email", sent(), "buyer.email"),
        ("codes", sent(), "discounts.codes"),
        ("country", sent(), "fulfillment.methods[0].destinations[1].address_country"),
        ("city", wire.SessionRequest(), "fulfillment.methods[0].destinations[0].address_locality"),
        ("phone", sent(buyer={"phone_number": "1"}), "buyer.phone_number"),
        ("phone", sent(), "fulfillment.methods[0].destinations[1].phone_number"),
        ("line_items[0].quantity", sent(), "line_items[0].quantity"),
        (None, sent(), None),
    ],
)
def test_fields_have_their_paths(field: str | None, request_: wire.SessionRequest, path: str | None) -> None:
    """In the request as UCP shapes it."""
    assert named(InvalidInput("Wrong.", field=field), request_).field == path
