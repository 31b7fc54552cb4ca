"""The readable page of the API at /docs, made from the OpenAPI document that machines read."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

from nightmarket.entrypoints.pages import Site
from nightmarket.entrypoints.pages.problem_page import NOBODY
from nightmarket.kernel.languages import DEFAULT_LANGUAGE

REF = "#/components/schemas/"
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
TOKEN = "success_token"  # noqa: S105 (what the test provider's approved card stands for)

_WANTED: dict[str, Any] = {
    "line_items": [{"item": {"id": "VARIANT_ID"}, "quantity": 1}],
    "buyer": {"email": "night.owl@example.com", "first_name": "Night", "last_name": "Owl"},
    "context": {"currency": "EUR"},
    "fulfillment": {
        "methods": [
            {
                "type": "shipping",
                "destinations": [
                    {
                        "street_address": "Lantern Row 11",
                        "address_locality": "Nighttown",
                        "postal_code": "11111",
                        "address_country": "DE",
                    }
                ],
            }
        ]
    },
}
_METHOD = _WANTED["fulfillment"]["methods"][0] | {"groups": [{"id": "GROUP_ID", "selected_option_id": "standard"}]}
_CARD = {"id": "card", "handler_id": "testpay", "type": "card", "credential": {"type": "token", "token": TOKEN}}
SAMPLES = (
    ("POST", "/ucp/checkout-sessions", "Begin: what is wanted, by whom, and where to.", _WANTED),
    (
        "PUT",
        "/ucp/checkout-sessions/CHECKOUT_ID",
        "Choose a delivery for each group of the answer. A PUT replaces the whole session.",
        _WANTED | {"fulfillment": {"methods": [_METHOD]}},
    ),
    (
        "POST",
        "/ucp/checkout-sessions/CHECKOUT_ID/complete",
        "Order and pay, with the token that the payment handler gave for the card.",
        {"payment": {"instruments": [_CARD]}},
    ),
)
"""An order in three requests: method, path, what it does, body."""


class Field(msgspec.Struct, frozen=True):
    name: str
    type: str
    words: str
    needed: bool


class Shape(msgspec.Struct, frozen=True):
    """A request's or answer's struct."""

    name: str
    fields: list[Field]


class Parameter(msgspec.Struct, frozen=True):
    name: str
    place: str
    words: str
    needed: bool


class Operation(msgspec.Struct, frozen=True):
    method: str
    path: str
    words: str
    parameters: list[Parameter]
    body: Shape | None
    answer: Shape | None
    status: str


class ApiPage(OpenAPIRenderPlugin):
    """Renders the document with our own template: no script, nothing from elsewhere."""

    def __init__(self, site_of: Callable[[Request[Any, Any, Any]], Site]) -> None:
        super().__init__(path="/")
        self._site_of = site_of

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        site = self._site_of(request)
        visit = site.anonymous(request.scope, NOBODY, NOBODY.actor.id)
        visit.language = DEFAULT_LANGUAGE
        words = {
            "groups": groups_of(openapi_schema),
            "address": site.shop.settings.address,
            "samples": [
                (method, path, words, msgspec.json.format(msgspec.json.encode(body), indent=2).decode())
                for method, path, words, body in SAMPLES
            ],
        }
        return site.render(visit, "shop/docs.html", words)


def groups_of(document: dict[str, Any]) -> dict[str, list[Operation]]:
    """Operations by tag, in the order of the document."""
    shapes: dict[str, Any] = document.get("components", {}).get("schemas", {})
    groups: dict[str, list[Operation]] = {}
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                operation: dict[str, Any] = item[method]
                tag = (operation.get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(_operation(method, path, operation, shapes))
    return groups


def _operation(method: str, path: str, operation: dict[str, Any], shapes: dict[str, Any]) -> Operation:
    answers: dict[str, Any] = operation.get("responses", {})
    status = next((code for code in answers if code.startswith("2")), "200")
    return Operation(
        method=method.upper(),
        path=path,
        words=operation.get("description") or operation.get("summary") or "",
        parameters=[
            Parameter(one["name"], one["in"], one.get("description", ""), bool(one.get("required")))
            for one in operation.get("parameters", [])
        ],
        body=_shape(operation.get("requestBody", {}), shapes),
        answer=_shape(answers.get(status, {}), shapes),
        status=status,
    )


def _shape(content: dict[str, Any], shapes: dict[str, Any]) -> Shape | None:
    schema: dict[str, Any] = content.get("content", {}).get(JSON, {}).get("schema", {})
    name = schema.get("$ref", "").removeprefix(REF)
    if name not in shapes:
        return None
    needed = set(shapes[name].get("required", ()))
    fields = [
        Field(field, _type(about), about.get("description", ""), field in needed)
        for field, about in shapes[name].get("properties", {}).items()
    ]
    return Shape(shapes[name].get("title", name), fields)


def _type(about: dict[str, Any]) -> str:
    """A short name for a JSON schema: `array of Item`, `string or null`."""
    if "$ref" in about:
        return about["$ref"].removeprefix(REF).rpartition("_")[2]
    for key in ("oneOf", "anyOf"):
        if key in about:
            return " or ".join(dict.fromkeys(_type(one) for one in about[key]))
    if about.get("type") == "array":
        return f"array of {_type(about.get('items', {}))}"
    kind: str | list[str] = about.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)
