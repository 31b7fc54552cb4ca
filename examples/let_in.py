"""Give a person an account, or a program an API key: for a shop of your own, which has none at first.

.venv/bin/python examples/let_in.py account owner@shop.example operator "Night Owner"     asks for the password
.venv/bin/python examples/let_in.py key prometheus health:read                            shows the key, once
"""

import argparse
import asyncio
import getpass
import sys

from nightmarket.entrypoints.cli.connected import database, settings_here
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import SYSTEM, Access, NewAccount, NewKey, Role, Scope
from nightmarket.platform.database import Database
from nightmarket.platform.settings import with_secret


def arguments() -> argparse.Namespace:
    """What to make."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    kinds = options.add_subparsers(dest="kind", required=True)
    account = kinds.add_parser("account")
    account.add_argument("email")
    account.add_argument("role", type=Role, choices=[Role.OPERATOR, Role.MARKETER, Role.SERVICE, Role.PICKER])
    account.add_argument("name")
    key = kinds.add_parser("key")
    key.add_argument("name")
    key.add_argument("scopes", nargs="+", type=Scope)
    return options.parse_args()


async def make(chosen: argparse.Namespace, url: str, secret: str) -> str:
    """Make it; returns what to say."""
    clock = SystemClock()
    opened = await Database.open(url, application="let-in")
    try:
        access = Access(opened, clock, SystemIds(clock), secret_key=secret.encode())
        if chosen.kind == "key":
            (issued,) = await access.keys.issue(SYSTEM, [NewKey(chosen.name, frozenset(chosen.scopes))])
            return issued.token
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        await access.accounts.create([NewAccount(chosen.email, chosen.name, chosen.role, password)])
        return f"{chosen.email} may sign in as {chosen.role.value}."
    finally:
        await opened.close()


def main() -> None:
    """Find the database of NIGHTMARKET_HOME or DATABASE_URL, and let somebody in."""
    chosen = arguments()
    settings = with_secret(settings_here())
    with database(settings) as url:
        try:
            print(asyncio.run(make(chosen, url, settings.secret or "")))
        except Problem as problem:
            sys.exit(problem.detail)


if __name__ == "__main__":
    main()
