"""`nightmarket signing`: the keys with which the shop signs what it sends."""

import click

from nightmarket.entrypoints.cli.letting_in import Door, at_the_door
from nightmarket.platform.access import SYSTEM
from nightmarket.platform.deeds import Acted
from nightmarket.platform.webhooks import shown_keys


@click.group()
def signing() -> None:
    """Keys that sign webhooks. Works on an open or a closed shop."""


@signing.command("list")
def list_() -> None:
    """The keys that stand in the profile at /.well-known/ucp, the oldest first."""

    async def work(door: Door) -> str:
        async with door.database.read() as connection:
            found = await shown_keys(connection, door.shop.clock.now())
        current = (await door.shop.signing.current()).kid
        rows: list[str] = []
        for one in found:
            words = "signs now" if one.kid == current else f"signs from {one.signs_from:%Y-%m-%d %H:%M} UTC"
            if one.shown_until is not None:
                words += f", shown until {one.shown_until:%Y-%m-%d %H:%M} UTC"
            rows.append(f"{one.kid}  {words}")
        return "\n".join(rows)

    click.echo(at_the_door(work))


@signing.command()
@click.option("--compromised", is_flag=True, help="Somebody else has the old key: sign with the new one now.")
def rotate(*, compromised: bool) -> None:
    """Make a new key. It is shown for a quarter of an hour before it signs, and the old one for a week after."""

    async def work(door: Door) -> str:
        async with door.database.transaction() as tx:
            made = await door.shop.signing.rotate(tx, compromised=compromised)
            detail = "compromised" if compromised else ""
            deed = Acted(SYSTEM.id, "command line", "signing.rotate", made.kid, detail)
            await door.shop.facts.append(tx, [deed], door.shop.clock.now())
        return f"{made.kid}  signs from {made.signs_from:%Y-%m-%d %H:%M} UTC"

    click.echo(at_the_door(work))
