"""`nightmarket account`: the people who may come in, among them the first operator of a new shop."""

import sys

import click

from nightmarket.entrypoints.cli.letting_in import Door, at_the_door
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import (
    ACCOUNT_ROLES,
    MERCHANT_BOUND,
    NewAccount,
    PeopleFilter,
    PeoplePage,
    Role,
)

ROLES = click.Choice(sorted(role.value for role in ACCOUNT_ROLES))
LISTED = 500
EMAIL = click.argument("email")


@click.group()
def account() -> None:
    """People who may come in, and as what. Works on an open or a closed shop."""


@account.command()
@EMAIL
@click.option("--role", type=ROLES, default=Role.OPERATOR.value, show_default=True, help="What they may do.")
@click.option("--name", default="", help="Their name; by default what stands before the @.")
@click.option("--merchant", default=None, help="Slug of the merchant, for the role merchant.")
def add(email: str, role: str, name: str, merchant: str | None) -> None:
    """Let a person in. Asks for the password, or reads it from standard input."""
    password = _password()
    wanted = Role(role)
    if (wanted in MERCHANT_BOUND) != (merchant is not None):
        raise InvalidInput("Give --merchant with the role merchant, and with no other.")

    async def work(door: Door) -> str:
        stall = await door.merchant(merchant) if merchant else None
        person = NewAccount(email, name or email.partition("@")[0], wanted, password, stall)
        (made,) = await door.access.accounts.create([person])
        await door.note("accounts.create", "acc", made.id, made.role.value)
        return f"{made.email} may sign in as {made.role.value}."

    click.echo(at_the_door(work))


@account.command("list")
@click.option("--role", type=ROLES, default=None, help="Only these.")
@click.option("--find", default="", help="A part of the name or the address.")
def list_(role: str | None, find: str) -> None:
    """Who may come in, the newest first, at most 500."""

    async def work(door: Door) -> str:
        chosen = PeopleFilter(words=find, role=Role(role) if role else None)
        async with door.database.read() as connection:
            people = await door.access.people.page(connection, chosen, PeoplePage(limit=LISTED))
        width = max((len(one.email) for one in people), default=0)
        rows = [(one, "" if one.state == "active" else one.state) for one in people]
        return "\n".join(f"{one.email:{width}}  {one.role.value:9} {state:9} {one.name}" for one, state in rows)

    click.echo(at_the_door(work))


@account.command()
@EMAIL
@click.argument("role", type=ROLES)
@click.option("--merchant", default=None, help="Slug of the merchant, for the role merchant.")
def role(email: str, role: str, merchant: str | None) -> None:
    """Give a person another role."""

    async def work(door: Door) -> str:
        id = await door.person(email)
        stall = await door.merchant(merchant) if merchant else None
        async with door.noting("accounts.role", "acc", id, role) as tx:
            await door.access.people.set_role(tx, id, Role(role), stall)
        return f"{email} is {role} now, and signs in again."

    click.echo(at_the_door(work))


@account.command()
@EMAIL
def suspend(email: str) -> None:
    """Close an account for now; whoever is signed in with it is no longer."""

    async def work(door: Door) -> str:
        id = await door.person(email)
        async with door.noting("accounts.suspend", "acc", id) as tx:
            await door.access.people.suspend(tx, [id])
        return f"{email} is closed."

    click.echo(at_the_door(work))


@account.command()
@EMAIL
def reopen(email: str) -> None:
    """Open a closed account again."""

    async def work(door: Door) -> str:
        id = await door.person(email)
        async with door.noting("accounts.reopen", "acc", id) as tx:
            await door.access.people.reopen(tx, [id])
        return f"{email} is open again."

    click.echo(at_the_door(work))


@account.command()
@EMAIL
def password(email: str) -> None:
    """Set a new password. Asks for it, or reads it from standard input."""
    secret = _password()

    async def work(door: Door) -> str:
        id = await door.person(email)
        async with door.database.read() as connection:
            found = await door.access.people.one(connection, id)
        hashed = await door.access.people.hashed(found, secret)
        async with door.noting("accounts.password", "acc", id) as tx:
            await door.access.people.set_password(tx, id, hashed)
        return f"{email} has a new password."

    click.echo(at_the_door(work))


def _password() -> str:
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\n")
