"""Whatever a program sends, both descriptions of our API hold: no 5xx, and no answer that they don't describe.

Our own description is asked of the running shop; UCP's is the published one. A short run here, and a long one by
`make long`; what it found stands in docs/benchmarks/schemathesis.md.
"""

import re
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from tests.fuzzing import Fuzzed, fuzzed, schemathesis

UCP = Path(__file__).resolve().parents[3] / "shared/data/ucp-spec/source"
SEED = "--seed=1111"
OURS = (
    "--checks=all",
    # What a rule of business refuses is no flaw of the description, and the framework's answer to OPTIONS names the
    # methods of one handler only.
    "--exclude-checks=positive_data_acceptance,negative_data_rejection,allow_header_conformance",
)
THEIRS = (
    "--checks=not_a_server_error,response_schema_conformance,content_type_conformance,refusals_are_ucps",
    "--suppress-health-check=all",
)
LONG_SECONDS = 600
CATALOG = "dev.ucp.shopping.catalog.search"

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fuzzed]:
    with fuzzed(database, tmp_path_factory.mktemp("home")) as running:
        yield running


def ours(shop: Fuzzed, *options: str) -> None:
    """Hold the shop to its own description."""
    location = f"{shop.url}/docs/openapi.json"
    held(*schemathesis(shop, location, [SEED, "--suppress-health-check=all", *OURS, *options]))


def theirs(shop: Fuzzed, *options: str) -> None:
    """Hold the shop to UCP's description, of the catalogue only where the profile says that it is served."""
    if not UCP.is_dir():
        pytest.skip("the UCP specification is not beside this checkout")
    profile = httpx.get(f"{shop.url}/.well-known/ucp").json()
    left_out = [] if CATALOG in profile["ucp"]["capabilities"] else ["--exclude-path-regex=^/catalog"]
    done = schemathesis(
        shop,
        str(UCP / "services/shopping/rest.openapi.json"),
        [f"--url={shop.url}/ucp", SEED, *THEIRS, *left_out, *options],
        {"FUZZ_UCP_SCHEMAS": str(UCP / "schemas")},
    )
    held(*done)


def held(code: int, said: str) -> None:
    """Nothing failed. Some of UCP's schemas are more than schemathesis can make up a request for, which is no flaw."""
    failures, errors = re.findall(r"❌ (ST\d+[^:\n]*): \d+", said), re.findall(r"🚫 ([A-Z][\w ]+): \d+", said)
    assert failures == [], said
    assert set(errors) <= {"Schema Error"}, said
    assert code == 0 or said.count("Cannot generate an array") >= 1, said
    assert re.search(r"[1-9]\d* generated", said), said


def test_our_description_holds(shop: Fuzzed) -> None:
    """A few random requests to each operation of our own API, and orders of operations that follow from its answers."""
    ours(shop, "--phases=examples,fuzzing,stateful", "--max-examples=4")


def test_ucps_description_holds(shop: Fuzzed) -> None:
    """A few random requests to each operation of UCP's shopping service."""
    theirs(shop, "--phases=fuzzing", "--max-examples=2")


@pytest.mark.long
def test_our_description_holds_for_long(shop: Fuzzed) -> None:
    """Ten minutes of the same, beginning with every edge of every field."""
    ours(shop, "--phases=coverage,fuzzing,stateful", f"--max-time={LONG_SECONDS}")


@pytest.mark.long
def test_ucps_description_holds_for_long(shop: Fuzzed) -> None:
    """Ten minutes of the same. UCP's schemas are too deep for schemathesis to follow links between them."""
    theirs(shop, "--phases=coverage,fuzzing", f"--max-time={LONG_SECONDS}")


FOUND = (
    ("/catalog/lookup", {"ids": ["a\x00b"]}, 400),
    ("/catalog/product", {"id": "a\x00b"}, 400),
    ("/catalog/search", {"query": "a\x00b"}, 400),
    ("/catalog/search", None, 400),
    ("/carts", None, 400),
    ("/checkout-sessions", None, 400),
)
"""What was found once: path, body, and what it has to be answered with."""


@pytest.mark.parametrize(("path", "body", "status"), FOUND)
def test_what_was_found_stays_mended(shop: Fuzzed, path: str, body: object, status: int) -> None:
    """NUL and missing bodies are refused in UCP's words."""
    headers = {"Idempotency-Key": "found", "Authorization": f"Bearer {shop.token}"}
    answer = httpx.post(f"{shop.url}/ucp{path}", json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert answer.json()["ucp"]["status"] == "error"
