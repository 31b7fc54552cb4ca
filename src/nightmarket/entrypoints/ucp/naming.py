"""How a request calls what the order desk, which knows no UCP, found wrong with it."""

from nightmarket.kernel.problems import InvalidInput

from . import wire

_OF_REQUEST = {
    "email": "buyer.email",
    "consent": "buyer.consent",
    "codes": "discounts.codes",
    "currency": "context.currency",
    "language": "context.language",
}
_OF_DESTINATION = {
    "country": "address_country",
    "street": "street_address",
    "city": "address_locality",
    "region": "address_region",
    "postal_code": "postal_code",
    "extended": "extended_address",
    "id": "id",
}
_OF_PEOPLE = {"first_name": "first_name", "last_name": "last_name", "phone": "phone_number"}
"""The buyer has them, and whoever gets the parcel."""


def named(problem: InvalidInput, request: wire.SessionRequest) -> InvalidInput:
    """The problem with the path of its field in the request."""
    field = problem.field or ""
    person = _OF_PEOPLE.get(field)
    if person and request.buyer is not None and getattr(request.buyer, person):
        problem.field = f"buyer.{person}"
    elif member := person or _OF_DESTINATION.get(field):
        problem.field = f"{_destination(request)}.{member}"
    else:
        problem.field = _OF_REQUEST.get(field, problem.field)
    return problem


def _destination(request: wire.SessionRequest) -> str:
    """The path of the destination that is meant, which is the first where none is selected."""
    method = request.fulfillment.methods[0] if request.fulfillment and request.fulfillment.methods else None
    ids = [one.id for one in method.destinations] if method else []
    chosen = method.selected_destination_id if method else None
    return f"fulfillment.methods[0].destinations[{ids.index(chosen) if chosen in ids else 0}]"
