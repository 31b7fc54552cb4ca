"""What we take for an agent's profile is what UCP's official schema takes for one, whatever is wrong with it."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from nightmarket.platform.access.agents import ProfileMalformed, read_profile
from tests.agent_house import VERSION, profile_of

SPEC = Path(__file__).resolve().parents[3] / "shared/data/ucp-spec/source/schemas"
WRONG: tuple[Any, ...] = (None, 7, "", "x y", [], {}, [7], {"a": 7}, True)

pytestmark = pytest.mark.skipif(not SPEC.is_dir(), reason="the UCP specification is not beside this checkout")


def full() -> dict[str, Any]:
    """A profile with one of everything."""
    profile = profile_of("https://platform.example/hooks")
    ucp = profile["ucp"]
    ucp["status"] = "success"
    ucp["map_order"] = {"payment_handlers": ["com.example.pay"]}
    ucp["capabilities"]["dev.ucp.shopping.discount"] = [
        {
            "version": "2026-04-08",
            "spec": "https://ucp.dev/specification/discount",
            "schema": "https://ucp.dev/schemas/shopping/discount.json",
            "extends": ["dev.ucp.shopping.checkout", "dev.ucp.shopping.cart"],
        },
        {"version": "2026-01-11", "spec": "https://a", "schema": "https://b", "extends": "dev.ucp.shopping.checkout"},
    ]
    ucp["services"]["dev.ucp.shopping"].append({"version": "2026-04-08", "spec": "https://a", "transport": "a2a"})
    ucp["payment_handlers"]["com.example.pay"] = [
        {
            "id": "pay",
            "version": "2026-04-08",
            "spec": "https://a",
            "schema": "https://b",
            "available_instruments": [{"type": "card"}],
            "config": {"a": 1},
        }
    ]
    profile["keys"] = [
        {"kid": "one", "kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "alg": "ES256", "use": "sig"},
        {"kid": "two", "kty": "OKP", "crv": "Ed25519", "x": "eA"},
        {"kid": "three", "kty": "something new", "z": 7},
    ]
    return profile


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and item."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


def broken() -> Iterator[dict[str, Any]]:
    """The profile with one thing missing, replaced, renamed or added, at every place in turn."""
    for path in places(full()):
        for wrong in (..., *WRONG):
            made = copy.deepcopy(full())
            parent = made
            for step in path[:-1]:
                parent = parent[step]
            if wrong is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = copy.deepcopy(wrong)
            yield made
            if wrong is ... and isinstance(parent, dict):
                original: Any = full()
                for step in path:
                    original = original[step]
                parent["Not a name"] = original
                yield made
    for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k"):
        made = full()
        made["keys"][0][name] = "secret"
        yield made


class Official:
    """UCP's schemas of a platform's profile, and of what its order capability says of webhooks."""

    def __init__(self) -> None:
        pairs: list[tuple[str, Resource[Any]]] = []
        for file in SPEC.rglob("*.json"):
            content = json.loads(file.read_text())
            pairs.append((content.get("$id", str(file)), Resource.from_contents(content)))
        registry: Registry[Any] = Registry().with_resources(pairs)
        base = "https://ucp.dev/schemas"
        self.profile = Draft202012Validator({"$ref": f"{base}/profile.json#/$defs/platform_schema"}, registry=registry)
        self.order = Draft202012Validator(
            {"$ref": f"{base}/shopping/order.json#/$defs/platform_schema"}, registry=registry
        )

    def is_valid(self, profile: Any) -> bool:
        if not self.profile.is_valid(profile):
            return False
        entries = profile["ucp"].get("capabilities", {}).get("dev.ucp.shopping.order", [])
        configs = [one["config"] for one in entries if one["version"] == VERSION and "config" in one]
        return all(self.order.is_valid(config) for config in configs if "webhook_url" in config)


@pytest.fixture(scope="module")
def schema() -> Official:
    return Official()


def taken(profile: Any) -> str:
    """ "" for a profile that is taken, else why not."""
    try:
        read_profile("https://platform.example/profile", json.dumps(profile).encode())
    except ProfileMalformed as problem:
        return problem.detail
    return ""


def test_whole_profile(schema: Official) -> None:
    """One of everything is taken by both, and read."""
    assert schema.is_valid(full())
    found = read_profile("https://platform.example/profile", json.dumps(full()).encode())
    assert found.webhook_url == "https://platform.example/hooks"
    assert found.capabilities["dev.ucp.shopping.discount"] == ("2026-04-08", "2026-01-11")
    assert [key["kid"] for key in found.keys] == ["one", "two", "three"]


def test_same_verdict(schema: Official) -> None:
    """Whatever is missing, of another type or misnamed: both refuse it, or both take it."""
    verdicts = [(schema.is_valid(one), taken(one), one) for one in broken()]
    differing = [(valid, why, one) for valid, why, one in verdicts if valid == bool(why)]
    assert differing == []
    assert sum(valid for valid, _, _ in verdicts) > 50
    assert sum(not valid for valid, _, _ in verdicts) > 200


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"ucp": {"version": "2026-04-08"}}']
)
def test_nonsense_is_refused(raw: bytes) -> None:
    """What is no JSON, or no object, or far too deep, is no profile."""
    with pytest.raises(ProfileMalformed):
        read_profile("https://platform.example/profile", raw)
