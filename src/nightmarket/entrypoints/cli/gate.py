"""`nightmarket gate`: the check of a waiting room's draw, which needs no shop."""

from typing import TextIO

import click

from nightmarket.bootstrap import check_published_draw


@click.group()
def gate() -> None:
    """Waiting rooms: check that the places of a draw are right."""


@gate.command()
@click.argument("list_", metavar="LIST", type=click.File("r", encoding="utf-8"))
@click.option("--ticket", default=None, help="A ticket (tkt_...) whose place is wanted.")
@click.option("--hash", "seed_hash", default=None, help="The fingerprint that was published before the opening.")
def check(list_: TextIO, ticket: str | None, seed_hash: str | None) -> None:
    """Work out all places of a published draw again. LIST is a room's draw.txt; `-` reads it from standard input.

    \b
    curl -s https://shop.example/gate/gat_.../draw.txt | nightmarket gate check - --hash 1b9e...

    Ends with 1 if the seed does not fit its fingerprint or a place is wrong.
    """
    proof = check_published_draw(list_, ticket, seed_hash)
    click.echo(f"The seed {'fits' if proof.seed_fits else 'DOES NOT FIT'} its fingerprint.")
    for lane, amount in proof.tickets.items():
        click.echo(f"{lane.value}: {amount} tickets")
    for line in proof.wrong:
        click.echo(f"WRONG {line}")
    if ticket is not None:
        told = [
            f"place {place} among {lane.value}s" if lane.value == "guest" else f"place {place}, in front"
            for lane, place in proof.places.items()
        ]
        click.echo(f"{ticket}: {', '.join(told) or 'not in this draw'}")
    if not proof.holds:
        raise click.ClickException("This list does not prove its order.")
    click.echo("Every place is where the seed and the ticket put it.")
