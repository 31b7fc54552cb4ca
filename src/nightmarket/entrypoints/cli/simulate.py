"""`nightmarket simulate`: past carts under a draft of offers, beside the present book."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec

from nightmarket.entrypoints.cli.connected import database, note, settings_here
from nightmarket.entrypoints.simulating import grocery, retail_year
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import decimal_of
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import Book, Offer, flaws
from nightmarket.promotions.contract.simulations import PastCart, SimulationReport, Simulator, draft_book

MOST_CARTS = 1_000_000
"""Carts of one simulation."""

TOLD_EVERY = 10_000
"""Carts after which it says how far it is."""

MOST_BYTES = 20_000_000
"""Of a draft."""

SHOWN = 10


@click.command()
@click.option("--draft", type=click.Path(path_type=Path), required=True, help="A JSON list of offers to be tried.")
@click.option(
    "--carts",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    required=True,
    help=("Past carts: the CSV of UCI's Online Retail, or the folder of the Complete Journey."),
)
@click.option("--book", type=click.Path(path_type=Path), help="A JSON list of offers as the present book.")
@click.option("--here", is_flag=True, help="Beside the present book of this shop.")
@click.option("--alone", is_flag=True, help="The draft instead of the present book, not beside it.")
@click.option(
    "--at",
    metavar="INSTANT",
    help="When all carts are priced, such as 2026-11-11T00:00:00+08:00. Default: "
    "the beginning of the draft's first offer.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
def simulate(*, draft: Path, carts: Path, at: str | None, as_json: bool, **beside: Any) -> None:
    """Price past carts under a draft: revenue, margin, who uses what, who loses. Changes nothing.

    \b
    nightmarket simulate --draft draft.json --carts online_retail.csv.gz

    The same files give the same figures, to the cent.
    """
    book: Path | None = beside["book"]
    here: bool = beside["here"]
    alone: bool = beside["alone"]
    if book and here:
        raise click.UsageError("Name either --book or --here.")
    offers = read_offers(draft)
    if not offers:
        raise InvalidInput("The draft has no offer.", field="draft")
    instant = _instant(at) if at else min(one.starts_at for one in offers)
    present = (
        asyncio.run(_present()) if here else draft_book(Book(0), read_offers(book) if book else [], instant, alone=True)
    )
    report = run(past_carts(carts), present, draft_book(present, offers, instant, alone=alone), instant)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        _say(report)


def run(carts: Iterator[PastCart], present: Book, draft: Book, at: datetime) -> SimulationReport:
    """Price all carts, at most MOST_CARTS, and say now and then how far it is."""
    simulator, done = Simulator(present, draft, at, {}), 0
    while some := list(islice(carts, min(TOLD_EVERY, MOST_CARTS - done))):
        simulator.add(some)
        done += len(some)
        note(f"{done:,} carts")
    return simulator.report()


def past_carts(path: Path) -> Iterator[PastCart]:
    """The carts of a file or folder."""
    return grocery.past_carts(path) if path.is_dir() else retail_year.past_carts(path)


def read_offers(path: Path) -> list[Offer]:
    """The offers of a JSON file. Raises InvalidInput with what is wrong with which."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InvalidInput(f"{path} is no file of at most {MOST_BYTES:,} bytes.", field="draft")
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Offer])
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{path} is no list of offers: {error}", field="draft") from error
    for number, offer in enumerate(found):
        for flaw in flaws(offer):
            raise InvalidInput(f"{path}, offer {number + 1}, {flaw.field}: {flaw.detail}", field="draft")
    return found


async def _present() -> Book:
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry.logs import configure_logging

    configure_logging(level="WARNING")
    settings = with_secret(settings_here())
    with database(settings) as url:
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application="simulate") as shop:
            return await shop.books.refresh()


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no instant; write 2026-11-11T00:00:00+08:00.", field="at") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _say(report: SimulationReport) -> None:
    for sums in report.sums:
        code, change = sums.currency, sums.after - sums.before
        click.echo(
            f"{sums.carts:,} carts: {_money(sums.before, code)} under the present book, "
            f"{_money(sums.after, code)} under the draft ({_money(change, code)}); list {_money(sums.list_total, code)}"
        )
        if sums.cost:
            before, after = sums.costed_before - sums.cost, sums.costed_after - sums.cost
            click.echo(f"  margin where costs are known: {_money(before, code)} -> {_money(after, code)}")
    for use in report.offers[:SHOWN]:
        name = pick(use.name, "en") or str(use.offer)
        click.echo(
            f"  {name}: {use.carts_after:,} carts, {_money(use.after, use.currency)} off "
            f"(present: {use.carts_before:,}, {_money(use.before, use.currency)})"
        )
    click.echo(f"{report.cheaper_carts:,} carts become cheaper, {report.dearer_carts:,} dearer.")
    for cart in report.dearest[:SHOWN]:
        click.echo(f"  dearer: {cart.id} {_money(cart.before, cart.currency)} -> {_money(cart.after, cart.currency)}")
    click.echo(f"{report.losing_merchants:,} merchants earn less.")
    for row in [one for one in report.merchants if one.change < 0][:SHOWN]:
        click.echo(f"  {_who(row.merchant)}: {_money(row.change, row.currency)}")


def _who(merchant: UUID) -> str:
    return str(merchant)


def _money(amount: int, currency: str) -> str:
    return f"{decimal_of(amount, currency):,} {currency}"
