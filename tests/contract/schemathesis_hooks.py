"""Lets schemathesis find its way into a shop: half of what it sends names things that are there. Loaded by its process.

And one check of our own: what UCP's description leaves open, a refusal of the order API, still has to be UCP's.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import jsonschema
import schemathesis
from referencing import Registry, Resource

KNOWN: dict[str, list[str]] = json.loads(os.environ["FUZZ_THINGS"])
SPEC = os.environ.get("FUZZ_UCP_SCHEMAS", "")
_chance = random.Random(11)


def _official() -> jsonschema.Draft202012Validator | None:
    if not SPEC:
        return None
    pairs: list[tuple[str, Resource[Any]]] = []
    for file in Path(SPEC).rglob("*.json"):
        content = json.loads(file.read_text())
        pairs.append((content.get("$id", str(file)), Resource.from_contents(content)))
    registry: Registry[Any] = Registry().with_resources(pairs)
    reference = {"$ref": "https://ucp.dev/schemas/common/types/error_response.json"}
    return jsonschema.Draft202012Validator(reference, registry=registry)


_REFUSAL = _official()


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Half of the ids are of things that exist."""
    if isinstance(path_parameters, dict) and "id" in path_parameters and _chance.random() < 0.5:
        path = context.operation.path
        kind = next((name for name in ("orders", "carts", "claims", "offers") if f"/{name}" in path), "sessions")
        if KNOWN.get(kind):
            path_parameters = {**path_parameters, "id": _chance.choice(KNOWN[kind])}
    return path_parameters


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    """Nineteen of twenty requests carry no made-up signature, which would be all that is looked at."""
    if headers and _chance.random() < 0.95:
        return {name: value for name, value in headers.items() if name.lower() not in ("signature", "signature-input")}
    return headers


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Half of the bodies name items that are sold, or stock that another shop counts here."""
    if _chance.random() >= 0.5:
        return body
    return _with_stock(body) if context.operation.path in ("/claims", "/stock") else _with_items(body)


def _with_stock(body: Any) -> Any:
    """Each line names one thing only, as it has to."""
    if not isinstance(body, dict) or not isinstance(body.get("lines"), list):
        return body
    kept = ("quantity", "units", "change")
    lines = [
        {name: one for name, one in line.items() if name in kept} for line in body["lines"] if isinstance(line, dict)
    ]
    return {**body, "lines": [{**line, "tally": _chance.choice(KNOWN["tallies"])} for line in lines]}


def _with_items(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_items(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _with_items(inner) for name, inner in value.items()}
    if isinstance(changed.get("item"), dict) and "id" in changed["item"]:
        changed["item"] = {**changed["item"], "id": _chance.choice(KNOWN["items"])}
    return changed


@schemathesis.check
def refusals_are_ucps(ctx: Any, response: Any, case: Any) -> None:
    """A refusal of the order API fits UCP's schema of one, or has what UCP wants of errors of the protocol."""
    if _REFUSAL is None or response.status_code < 400 or response.status_code in (404, 405):
        return
    said = response.json()
    if isinstance(said, dict) and isinstance(said.get("code"), str) and isinstance(said.get("content"), str):
        return
    wrong = next(_REFUSAL.iter_errors(said), None)
    assert wrong is None, f"{response.status_code} is no refusal of UCP's ({wrong.message}): {response.text[:300]}"
