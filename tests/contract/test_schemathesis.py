"""Whatever a program sends, both descriptions of our API hold: no 5xx, and no answer that they don't describe.

Our own description is asked of the running shop; UCP's is the published one. A short run here, and a long one by
`make long`, which writes what it found into docs/benchmarks/schemathesis.md.
"""

import os
import re
import subprocess
import time
from collections.abc import Generator
from datetime import UTC, datetime

import httpx
import pytest

from tests.fuzzing import ROOT, SEED, UCP_SPEC, Fuzzed, Ran, fuzzed, local_spec, schemathesis

OURS = (
    "--checks=all",
    # What a rule of business refuses is no flaw of the description, and the framework's answer to OPTIONS names the
    # methods of one handler only.
    "--exclude-checks=positive_data_acceptance,negative_data_rejection,allow_header_conformance",
)
THEIRS = ("--checks=not_a_server_error,response_schema_conformance,content_type_conformance,refusals_are_ucps",)
LONG_SECONDS = int(os.environ.get("FUZZ_SECONDS", "600"))
"""For each of the two descriptions."""

RECORD = ROOT / "docs/benchmarks/schemathesis.md"
CATALOG = "dev.ucp.shopping.catalog.search"

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fuzzed]:
    with fuzzed(database, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def ucp(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not UCP_SPEC.is_dir():
        pytest.skip("the UCP specification is not beside this checkout")
    return str(local_spec(tmp_path_factory.mktemp("ucp-spec")))


def ours(shop: Fuzzed, *options: str) -> Ran:
    """Hold the shop to its own description."""
    return schemathesis(shop, f"{shop.url}/docs/openapi.json", [*OURS, *options])


def theirs(shop: Fuzzed, description: str, *options: str) -> Ran:
    """Hold the shop to UCP's description, of the catalogue only where the profile says that it is served."""
    profile = httpx.get(f"{shop.url}/.well-known/ucp").json()
    left_out = [] if CATALOG in profile["ucp"]["capabilities"] else ["--exclude-path-regex=^/catalog"]
    return schemathesis(
        shop,
        description,
        [f"--url={shop.url}/ucp", *THEIRS, *left_out, *options],
        {"FUZZ_UCP_SCHEMAS": str(UCP_SPEC / "schemas")},
    )


def held(ran: Ran) -> None:
    """Nothing failed, each operation was asked, and the next run asks the same."""
    assert f"Seed: {SEED}" in ran.said, ran.said
    assert ran.failures == [], ran.said
    assert ran.code == 0 or ran.said.count("Cannot generate an array") >= 1, ran.said
    selected, tested = ran.operations
    assert 0 < selected == tested, ran.said
    assert ran.cases >= selected, ran.said


def test_our_description_holds(shop: Fuzzed) -> None:
    """A few random requests to each operation of our own API, and orders of operations that follow from its answers."""
    held(ours(shop, "--phases=examples,fuzzing,stateful", "--max-examples=4"))


def test_ucps_description_holds(shop: Fuzzed, ucp: str) -> None:
    """A few random requests to each operation of UCP's shopping service, and some that follow from its answers."""
    held(theirs(shop, ucp, "--phases=fuzzing,stateful", "--max-examples=2"))


@pytest.mark.long
def test_both_descriptions_hold_for_long(shop: Fuzzed, ucp: str) -> None:
    """Ten minutes for each description at one commit, beginning with every edge of every field; what was asked and
    found is written down."""
    commit, began = _commit(), datetime.now(UTC)
    phases = ("--phases=coverage,fuzzing,stateful", f"--max-time={LONG_SECONDS}")
    rows: list[str] = []
    runs: list[Ran] = []
    for name, run in (("ours", lambda: ours(shop, *phases)), ("UCP's", lambda: theirs(shop, ucp, *phases))):
        start = time.monotonic()
        ran = run()
        runs.append(ran)
        found = "; ".join(ran.failures) or "nothing"
        left = ran.said.count("Cannot generate an array")
        note = f"; for {left} of them not every request could be made up" if left else ""
        _, tested = ran.operations
        rows.append(f"| {name} | {tested}{note} | {time.monotonic() - start:,.0f} s | {ran.cases:,} | {found} |")
    assert _commit() == commit, "the code changed meanwhile, so this is no run at one commit"
    _write(commit, began, rows)
    for ran in runs:
        held(ran)


def _commit() -> str:
    """The last commit of what is run, and whether something of it is not committed."""
    paths = ("--", "src", "tests/contract", "tests/fuzzing.py")
    last = _git("log", "-1", "--format=`%h`", *paths)
    return f"{last} with changes" if _git("status", "--porcelain", *paths) else last


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _write(commit: str, began: datetime, rows: list[str]) -> None:
    """Put the run in the place of the one before it."""
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    lines = [
        f"Commit {commit}, {began:%Y-%m-%d %H:%M} UTC, seed {SEED}, phases coverage, fuzzing and stateful.",
        f"One worker, {os.cpu_count()} cores shared with the shop; load average at the end {load}.",
        "",
        "| description | operations | time | requests | found |",
        "|---|---|---|---|---|",
        *rows,
    ]
    text = RECORD.read_text()
    section = re.compile(r"(?<=## The long run\n\n).*?(?=\n## )", re.DOTALL)
    assert section.search(text), "there is no section for the long run"
    RECORD.write_text(section.sub(lambda _: "\n".join(lines) + "\n", text))


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


def test_a_refusal_that_was_not_described_is_now(shop: Fuzzed) -> None:
    """Who changes an offer that is not there, or not theirs, is told so, as the description says."""
    offer = {"id": f"off_{'0' * 26}", "name": {"en": "None"}, "effect": {"type": "percent", "basis_points": 1}}
    offer |= {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}
    headers = {"Idempotency-Key": "nobodys", "Authorization": f"Bearer {shop.token}"}
    answer = httpx.post(f"{shop.url}/offers", json={"offers": [offer]}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "offer_not_found"), answer.text
    described = httpx.get(f"{shop.url}/docs/openapi.json").json()["paths"]["/offers"]["post"]["responses"]
    assert "404" in described
