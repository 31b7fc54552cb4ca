"""`nightmarket draw` and `nightmarket surprise`: the checks of what was published, which need no shop."""

import io
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.draws import check_draw
from nightmarket.promotions.contract.surprises import check_surprise, plain_price

FETCH_SECONDS = 30
MOST_BYTES = 256 * 1024 * 1024
"""What is read of an address at most: a list of three million tickets is about 120 MB long."""

MOST_OPENING_BYTES = 100_000


@contextmanager
def _opened(source: str) -> Generator[TextIO]:
    """The text of a file, of an address, or of standard input (`-`)."""
    if source == "-":
        yield sys.stdin
        return
    if not source.startswith(("http://", "https://")):
        path = Path(source)
        if not path.is_file():
            raise click.ClickException(
                f"There is no file {source}. Name a file, or an address with http:// or https://."
            )
        with path.open(encoding="utf-8") as file:
            yield file
        return
    request = urllib.request.Request(source, headers={"accept": "text/plain"})  # noqa: S310 (the scheme was looked at)
    try:
        with urllib.request.urlopen(request, timeout=FETCH_SECONDS) as answer:  # noqa: S310 (likewise)
            body: bytes = answer.read(MOST_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error}") from error
    if len(body) > MOST_BYTES:
        raise click.ClickException("That is longer than any list of a draw.")
    yield io.StringIO(body.decode("utf-8", errors="replace"))


@click.group()
def draw() -> None:
    """Draws of prizes: check that the winners are right."""


@draw.command("check")
@click.argument("source", metavar="FILE|URL")
@click.option("--ticket", default=None, help="A ticket (dtk_...) whose place is wanted.")
@click.option("--hash", "seed_hash", default=None, help="The fingerprint of the secret that you wrote down before.")
def check_prizes(source: str, ticket: str | None, seed_hash: str | None) -> None:
    """Work out the winners of a published draw again. SOURCE is its draw.txt, as a file or an address; `-` is standard
    input.

    \b
    nightmarket draw check https://shop.example/draws/drw_.../draw.txt --hash 1b9e...

    Ends with 1 if a hash does not fit or a winner is wrong.
    """
    with _opened(source) as lines:
        report = check_draw(lines, ticket, seed_hash)
    for fits, what in ((report.seed_fits, "seed"), (report.terms_fit, "text of the terms"), (report.list_fits, "list")):
        click.echo(f"The {what} {'fits' if fits else 'DOES NOT FIT'} its fingerprint.")
    click.echo(f"{report.tickets} tickets, {report.winners} winners")
    for line in report.wrong:
        click.echo(f"WRONG {line}")
    if ticket is not None:
        won = f"place {report.ticket_place}, {report.ticket_prize}" if report.ticket_place else "not drawn"
        click.echo(f"{ticket}: {won if report.ticket_in else 'not in this draw'}")
    if not report.holds:
        raise click.ClickException("This list does not prove its winners.")
    click.echo("Every winner follows from seed, list and terms.")


@click.group()
def surprise() -> None:
    """Surprise prices: check that one was fixed before."""


@surprise.command("check")
@click.argument("source", metavar="FILE|URL")
@click.option("--hash", "commitment", required=True, help="The fingerprint that was published before the reveal.")
def check_price(source: str, commitment: str) -> None:
    """Hash an opened surprise price again. SOURCE is its opening.txt, as a file or an address; `-` is standard input.

    \b
    nightmarket surprise check https://shop.example/surprises/spr_.../opening.txt --hash 5c01...

    Ends with 1 if it does not fit.
    """
    with _opened(source) as file:
        text = file.read(MOST_OPENING_BYTES)
    report = check_surprise(text, commitment)
    try:
        price = plain_price(report.price, report.currency)
    except InvalidInput:
        price = str(report.price)
    click.echo(f"{price} {report.currency}, revealed at {report.reveals}")
    click.echo(f"SHA-256 {report.commitment}")
    if not report.holds:
        raise click.ClickException("This is not what was committed to.")
    click.echo("It fits the fingerprint: the price was fixed before.")
