"""`nightmarket simulate`: past carts under a draft of offers, beside the present book."""

import asyncio
import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
import msgspec

from nightmarket.entrypoints.cli.connected import note
from nightmarket.entrypoints.cli.offers import read_bytes, say_faults, with_shop
from nightmarket.entrypoints.offering.files import Fault, read_rows
from nightmarket.entrypoints.offering.names import Fault as NoSuchName
from nightmarket.entrypoints.offering.names import Names
from nightmarket.entrypoints.offering.reading import Reader
from nightmarket.entrypoints.simulating import grocery, own_orders, retail_year
from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import decimal_of, parse_amount
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import Book, Offer, flaws
from nightmarket.promotions.contract.simulations import OfferUse, PastCart, SimulationReport, Simulator, draft_book

if TYPE_CHECKING:
    from nightmarket.bootstrap import Shop

MOST_CARTS = 1_000_000
"""Carts of one simulation."""

TOLD_EVERY = 10_000
"""Carts after which it says how far it is."""

SHOWN = 10
FILE = click.Path(path_type=Path)


@click.command()
@click.option("--draft", type=FILE, required=True, help="Offers to be tried: a file as `nightmarket offers` takes it.")
@click.option(
    "--carts",
    type=FILE,
    metavar="FILE|FOLDER",
    help="Past carts: the CSV of UCI's Online Retail, or the folder of the Complete Journey.",
)
@click.option("--orders", type=click.IntRange(1, 3_660), metavar="DAYS", help="Or this shop's own paid orders since.")
@click.option("--book", type=FILE, help="A file of offers as the present book.")
@click.option("--here", is_flag=True, help="Beside the present book of this shop; --orders always is.")
@click.option("--costs", type=FILE, help="A CSV with sku, cost and currency, for a margin on --carts.")
@click.option("--alone", is_flag=True, help="The draft instead of the present book, not beside it.")
@click.option(
    "--at",
    metavar="INSTANT",
    help="When all carts are priced, such as 2026-11-11T00:00:00+08:00. Default: "
    "the beginning of the draft's first offer.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
def simulate(*, draft: Path, at: str | None, as_json: bool, **options: Any) -> None:
    """Price past carts under a draft: revenue, margin, who uses what, who loses. Changes nothing.

    \b
    nightmarket simulate --draft draft.jsonl --orders 30
    nightmarket simulate --draft draft.jsonl --carts online_retail.csv.gz

    The same files give the same figures, to the cent. Of own orders the margin follows from what merchants noted that
    goods cost them.
    """
    carts: Path | None = options["carts"]
    orders: int | None = options["orders"]
    if (carts is None) == (orders is None):
        raise click.UsageError("Name either --carts or --orders.")
    if options["book"] and (options["here"] or orders):
        raise click.UsageError("Name either --book or this shop, with --here or --orders.")
    instant = _instant(at) if at else None
    if carts is not None and not options["here"]:
        report = asyncio.run(_of_files(draft, carts, options, instant))
    else:
        report = asyncio.run(with_shop(lambda shop: _of_shop(shop, draft, options, instant), "simulate"))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        _say(report)


async def _of_files(draft: Path, carts: Path, options: Mapping[str, Any], at: datetime | None) -> SimulationReport:
    """Without a shop: ids and words only, nothing is looked up."""
    reader = Reader(Names(None), None, "UTC")
    offers = await read_offers(draft, reader)
    instant = at or min(one.starts_at for one in offers)
    book = await read_offers(options["book"], reader) if options["book"] else []
    present = draft_book(Book(0), book, instant, alone=True)
    tried = draft_book(present, offers, instant, alone=options["alone"])
    return run(past_carts(carts), present, tried, instant, read_costs(options["costs"]))


async def _of_shop(shop: "Shop", draft: Path, options: Mapping[str, Any], at: datetime | None) -> SimulationReport:
    """Beside this shop's book; own orders with what goods are known to cost."""
    from nightmarket.entrypoints.simulating.runs import costs_of

    offers = await read_offers(draft, Reader(Names(shop.catalog), None, shop.settings.zone.key))
    instant = at or min(one.starts_at for one in offers)
    present = await shop.books.refresh()
    tried = draft_book(present, offers, instant, alone=options["alone"])
    if options["carts"]:
        return run(past_carts(options["carts"]), present, tried, instant, read_costs(options["costs"]))
    costs: dict[UUID, Mapping[str, int]] = {}
    simulator, done = Simulator(present, tried, instant, costs), 0
    async for some in own_orders.past_carts(shop, shop.clock.now() - timedelta(days=options["orders"])):
        await costs_of(shop, some, costs)
        simulator.add(some)
        done += len(some)
        if done % TOLD_EVERY == 0:
            note(f"{done:,} carts")
    return simulator.report()


def run(
    carts: Iterator[PastCart], present: Book, draft: Book, at: datetime, costs: Mapping[UUID, Mapping[str, int]]
) -> SimulationReport:
    """Price all carts, at most MOST_CARTS, and say now and then how far it is."""
    simulator, done = Simulator(present, draft, at, costs), 0
    while some := list(islice(carts, min(TOLD_EVERY, MOST_CARTS - done))):
        simulator.add(some)
        done += len(some)
        note(f"{done:,} carts")
    return simulator.report()


def past_carts(path: Path) -> Iterator[PastCart]:
    """The carts of a file or folder."""
    return grocery.past_carts(path) if path.is_dir() else retail_year.past_carts(path)


def read_costs(path: Path | None) -> dict[UUID, dict[str, int]]:
    """What goods of past carts cost, by their SKU in either data set. Raises InvalidInput."""
    if path is None:
        return {}
    found: dict[UUID, dict[str, int]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: Iterable[dict[str, str]] = csv.DictReader(file)
        for number, row in enumerate(rows, start=2):
            if not {"sku", "cost", "currency"} <= row.keys():
                raise InvalidInput(f"{path} has no columns sku, cost and currency.", field="costs")
            try:
                cost = parse_amount(row["cost"], row["currency"], field="cost")
            except InvalidInput as error:
                raise InvalidInput(f"{path}, line {number}: {error.detail}", field="costs") from error
            for id in (derive("past-carts", "online retail", row["sku"]), grocery.product_id(row["sku"])):
                found.setdefault(id, {})[row["currency"]] = cost
    return found


async def read_offers(path: Path, reader: Reader) -> list[Offer]:
    """The offers of a file. Raises ClickException after naming everything that is wrong with them."""
    rows, faults = read_rows(read_bytes(path))
    offers: list[Offer] = []
    for row in rows:
        try:
            offer = await reader.offer(row.offer, derive("simulated-draft", row.line))
        except NoSuchName as fault:
            faults.append(Fault(row.line, fault.field, fault.reason, fault.detail))
            continue
        faults += [Fault(row.line, one.field, one.reason, one.detail) for one in flaws(offer)]
        offers.append(offer)
    if faults:
        say_faults(faults)
        raise click.ClickException(f"{path.name} cannot be tried.")
    return offers


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
        click.echo(
            f"  of the discounts the market pays {_money(sums.market_before, code)} -> "
            f"{_money(sums.market_after, code)}, merchants {_money(sums.merchants_before, code)} -> "
            f"{_money(sums.merchants_after, code)}"
        )
        if sums.cost:
            before, after = sums.costed_before - sums.cost, sums.costed_after - sums.cost
            part = round(100 * sums.costed_before / max(1, sums.before))
            click.echo(f"  margin, costs known of {part} %: {_money(before, code)} -> {_money(after, code)}")
    for use in report.offers[:SHOWN]:
        name = pick(use.name, "en") or str(use.offer)
        click.echo(
            f"  {name}: {use.carts_after:,} carts ({_rate(use, report)}), {_money(use.after, use.currency)} off "
            f"(present: {use.carts_before:,}, {_money(use.before, use.currency)})"
        )
    click.echo(f"{report.cheaper_carts:,} carts become cheaper, {report.dearer_carts:,} dearer.")
    for cart in report.dearest[:SHOWN]:
        click.echo(f"  dearer: {cart.id} {_money(cart.before, cart.currency)} -> {_money(cart.after, cart.currency)}")
    click.echo(f"{report.losing_merchants:,} merchants earn less.")
    for row in [one for one in report.merchants if one.change < 0][:SHOWN]:
        margin = f", margin {_money(row.costed_after - row.cost, row.currency)}" if row.cost else ""
        click.echo(f"  {_who(row.merchant)}: {_money(row.change, row.currency)}{margin}")


def _rate(use: OfferUse, report: SimulationReport) -> str:
    """In how many of a hundred carts of its currency an offer applies."""
    carts = next(one.carts for one in report.sums if one.currency == use.currency)
    return f"{100 * use.carts_after / max(1, carts):.1f} %"


def _who(merchant: UUID) -> str:
    return str(merchant)


def _money(amount: int, currency: str) -> str:
    return f"{decimal_of(amount, currency):,} {currency}"
