"""What the console says and gives away: cells that nothing calculates, settings without secrets, the right words."""

import csv
import io
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.entrypoints.console.fact_views import KINDS
from nightmarket.entrypoints.console.health import HIDDEN, shown_settings
from nightmarket.entrypoints.console.menu import ENTRIES, menu_of
from nightmarket.entrypoints.console.order_views import read_cursor
from nightmarket.entrypoints.console.routes import PAGES
from nightmarket.entrypoints.console.tables import plain_cell, table_file
from nightmarket.entrypoints.console.words import ACCOUNTS, CLAIM_STATES, STATES
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import OrderState
from nightmarket.payments.contract import Account
from nightmarket.platform.access import MERCHANT_BOUND, ROLE_SCOPES, SYSTEM, Actor, ActorKind, Role
from nightmarket.platform.deeds import Acted
from nightmarket.platform.settings import Settings
from nightmarket.tally.contract import ClaimState
from tools import reference


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("-12", "-12"),
        ("12.50", "12.50"),
        ("Lantern", "Lantern"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    """What a spreadsheet would calculate becomes text; numbers, also negative ones, stay numbers."""
    assert plain_cell(text) == cell


def test_a_table_keeps_its_cells_apart() -> None:
    """Commas, quotes and line breaks within a cell come back as they were."""
    rows = [['a "quoted", word', "two\nlines"], ["灯笼", ""]]
    body = table_file(["one", "two"], rows, "t.csv").body
    assert isinstance(body, bytes)
    assert list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))) == [["one", "two"], *rows]


def test_settings_are_shown_without_secrets() -> None:
    """Neither the key nor the database's password is on the health page; everything else is."""
    secret = "a secret of the tests, thirty-two bytes"
    url = "postgresql://ada:open-sesame@db.example:5432/shop"
    shown = {
        one.variable: one.value for one in shown_settings(Settings(secret=secret, database_url=url, home=Path("h")))
    }
    assert shown["NIGHTMARKET_SECRET"] == HIDDEN
    assert shown["DATABASE_URL"] == f"postgresql://ada:{HIDDEN}@db.example:5432/shop"
    assert shown["PORT"] == "1111"
    assert "open-sesame" not in str(shown)
    assert secret not in str(shown)


def test_the_filter_knows_every_kind_of_fact() -> None:
    """A fact that a contract adds can be chosen in the console, and none that is gone."""
    published = {str(vars(fact)["kind"]) for fact in reference.facts()}
    assert set(KINDS) == published | {Acted.kind}


def test_every_state_has_a_word() -> None:
    """No state, account or claim is shown as its number."""
    assert set(STATES) == set(OrderState)
    assert set(ACCOUNTS) == {int(account) for account in Account}
    assert set(CLAIM_STATES) == {state.name for state in ClaimState}


@pytest.mark.parametrize("role", Role)
def test_the_menu_offers_what_may_be_opened(role: Role) -> None:
    """Each entry leads to a page of ours, needs what the page needs, and shows only to those who have it."""
    scopes = {page.path: page.scope for page in PAGES if page.method == "GET"}
    merchant = UUID(int=1) if role in MERCHANT_BOUND else None
    actor = Actor(ActorKind.STAFF, SYSTEM.id, "x", ROLE_SCOPES[role], merchant_id=merchant)
    offered = {entry.path for entry in menu_of(actor, "/console")}
    for entry in ENTRIES:
        assert scopes[entry.path] == entry.scope
        may = actor.may(entry.scope) and actor.may(ENTRIES[0].scope) and (not entry.stall or merchant is not None)
        assert (entry.path in offered) == may, entry.path


@pytest.mark.parametrize("text", ["x", "2026-11-11~ord_1", "2026-11-11T00:00:00~ord_00000000000000000000000000", "~"])
def test_a_forged_page_end_is_refused(text: str) -> None:
    """What is no end of a page of orders is refused as input, never a fault of ours."""
    with pytest.raises(InvalidInput):
        read_cursor(text)
