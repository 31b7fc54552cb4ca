"""The report of a rehearsal, as it is opened from a folder: on a phone and a desk, by day and by night."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from nightmarket.entrypoints.console.rehearsal.report import render
from nightmarket.rehearsal.model import CheckLine
from nightmarket.rehearsal.records import Acknowledged, Event, EventKind, Phase, Plan, Sample
from nightmarket.rehearsal.verdict.counting import answer
from nightmarket.rehearsal.verdict.reading import Run
from nightmarket.rehearsal.verdict.summing_up import Seen, sum_up

from .visiting import faults, faults_day_and_night

pytestmark = pytest.mark.browser

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
NAUGHTY = "<script>document.title = 'taken'</script>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report that has everything in it: faults, reasons, worries, words that try to be markup."""
    plan = Plan(
        run="reh_01khx5s8v9a8p0q2r5t7", seed=11, minutes=2, peak=20, scale=700, orders=900, processes=1,
        faults=("kill-postgres@40s", NAUGHTY), against="http://127.0.0.1:1111", own_shop=True, home="/x", cores=2,
        asked_at=NOON.isoformat(), asked_by="a test",
    )  # fmt: skip
    samples = [
        Sample(
            t=float(t), phase=Phase.DAY, users=40, orders_tried=12, orders_placed=0 if 40 < t < 45 else 10 + t % 5,
            orders_paid=9, refused={"out_of_stock": t % 4}, errors={"503": 3} if 40 < t < 45 else {}, requests=80,
            p50_ms=30.0 + t, p99_ms=2_400.0 if t > 100 else 200.0, cpu={"web": 0.6, "postgres": 0.4, "locust": 0.8},
            waiting=t % 7, stock_left=None if 40 < t < 45 else 5_000 - 10 * t, lag_seconds=0.2,
        )
        for t in range(-10, 110)
    ]  # fmt: skip
    events = [
        Event(t=40.2, kind=EventKind.FAULT, what="kill-postgres", detail=f"kill -9 of PostgreSQL (77) {NAUGHTY}"),
        Event(t=44.8, kind=EventKind.RECOVERY, what="kill-postgres"),
    ]
    run = Run(plan, samples, [Acknowledged(order="ord_x", total=1, currency="EUR", state="completed", t=1)], events)
    lost = answer(
        "orders are there", "Every order that was acknowledged is in the database.", 900, ["ord_x: not there"]
    )
    seen = Seen(
        answers=(lost, answer("no oversell", "No more units are in orders than there are.", 100, [])),
        audit=(CheckLine("tallies", "Every tally is what its adjustments and claims add up to.", 0, 0.1, []),),
        known={}, placed_at={}, lag_seconds=0.1, settled_seconds=4.0, judged_at=NOON, version="0",
    )  # fmt: skip
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(render(sum_up(run, seen), run))
    return file.as_uri()


@pytest.mark.parametrize("width", [360, 1440])
def test_it_is_readable_everywhere(chromium: Browser, report: str, width: int) -> None:
    """axe finds nothing serious, nothing is wider than the window, nothing is fetched, and words stay words."""
    context = chromium.new_context(viewport={"width": width, "height": 760})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    assert asked == [report]
    assert page.title() == "No go: rehearsal reh_01khx5s8v9a8p0q2r5t7"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults_day_and_night(page) == []
    context.close()


def test_every_plot_has_its_table(chromium: Browser, report: str) -> None:
    """Seven plots, each with a name and a table that opens by keyboard and stays within the window."""
    context = chromium.new_context(viewport={"width": 360, "height": 760})
    page = context.new_page()
    page.goto(report)
    expect(page.get_by_role("img")).to_have_count(7)
    for summary in page.locator("summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    expect(page.get_by_role("table").filter(has=page.get_by_role("rowheader"))).not_to_have_count(0)
    assert page.locator("details[open] tbody tr").count() > 7 * 10
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert faults(page) == []
    context.close()
