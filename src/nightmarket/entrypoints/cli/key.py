"""`nightmarket key`: API keys of programs."""

import click

from nightmarket.entrypoints.cli.letting_in import Door, at_the_door
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.access import SYSTEM, NewKey, Scope, page_of_keys

SCOPES = click.Choice([scope.value for scope in Scope])
LISTED = 500


@click.group()
def key() -> None:
    """API keys: what a program shows to be let in. Works on an open or a closed shop."""


@key.command()
@click.argument("name")
@click.argument("scopes", nargs=-1, required=True, type=SCOPES)
@click.option("--merchant", default=None, help="Slug of a merchant within whose things it stays.")
def issue(name: str, scopes: tuple[str, ...], merchant: str | None) -> None:
    """Make a key that may do what its SCOPES say, and print it: this once."""

    async def work(door: Door) -> str:
        stall = await door.merchant(merchant) if merchant else None
        (issued,) = await door.access.keys.issue(SYSTEM, [NewKey(name, frozenset(map(Scope, scopes)), stall)])
        await door.note("keys.issue", "key", issued.key.id, issued.key.name)
        return issued.token

    click.echo(at_the_door(work))


@key.command("list")
def list_() -> None:
    """The keys, the newest first, at most 500; their secrets are known to their owners only."""

    async def work(door: Door) -> str:
        async with door.database.read() as connection:
            found = await page_of_keys(connection, None, LISTED)
        rows = [(encode("key", one.id), "ended" if one.revoked_at else "", one) for one in found]
        return "\n".join(f"{id}  {state:5}  {one.name}: {' '.join(sorted(one.scopes))}" for id, state, one in rows)

    click.echo(at_the_door(work))


@key.command()
@click.argument("id")
def revoke(id: str) -> None:
    """End a key, by its id in the list."""
    ident = decode("key", id)

    async def work(door: Door) -> str:
        async with door.noting("keys.revoke", "key", ident):
            pass
        await door.access.keys.revoke(SYSTEM, [ident])
        return "The key has ended."

    click.echo(at_the_door(work))
