"""The tutorial is walked: its commands are typed and compared, its buttons pressed, its addresses opened."""

import re
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from nightmarket.entrypoints.demonstration import DEMO_ACCOUNTS
from tests.examples.conftest import OPEN, ROOT, Night
from tests.walking import Guest, commands, matches

pytestmark = pytest.mark.engine

PAGE = ROOT / "docs" / "tutorial" / "your-first-night.md"
TEXT = PAGE.read_text()
OPENING = "make run"
RUSH_SECONDS = 60
PRESSED = re.compile(r"\*\*([^*]+)\*\*")
ADDRESS = {
    "email": "first.night@example.com",
    "first_name": "First",
    "last_name": "Night",
    "country": "DE",
    "street": "Lantern Row 11",
    "postal_code": "11111",
    "city": "Nighttown",
}
CARD = {"expiry": "11/30", "cvc": "111", "name": "First Night"}


class Reader(Guest):
    """Presses only what the tutorial says, in bold."""

    def press(self, label: str, **typed: str) -> None:
        assert label in PRESSED.findall(TEXT), f"the tutorial does not say **{label}**"
        super().press(label, **typed)


@pytest.fixture
def reader(night: Night) -> Generator[Reader]:
    reader = Reader(night.address)
    yield reader
    reader.close()


def card(position: int) -> str:
    """The card numbers that the tutorial names, in order."""
    return re.findall(r"`(\d{4} \d{4} \d{4} \d{4})`", TEXT)[position]


def test_make_run_is_what_is_walked() -> None:
    """The first command of the tutorial runs the very command that these tests run."""
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\nrun:")[2].partition("\n\n")[0]
    assert f"exec .venv/bin/{Path(OPEN[0]).name} {' '.join(OPEN[1:])}" in recipe


def test_the_first_minute(night: Night, reader: Reader) -> None:
    """Part 2, without script: the crowd comes, the database is killed while it is there, and all four proofs hold."""
    operator = next(one for one in DEMO_ACCOUNTS if one.role == "operator")
    reader.open("/console/crowd")
    Guest.press(reader, "Sign in", email=operator.email, password=operator.password)
    reader.press("Let the crowd in", how="swell")
    time.sleep(4)
    reader.press("Kill the database")
    give_up = time.monotonic() + RUSH_SECONDS
    while not reader.sees("Nothing was lost"):
        assert time.monotonic() < give_up, "the rush does not end"
        time.sleep(0.5)
        reader.open("/console/crowd")
    for words in ("50 of 50", "oversold 0", "audit clean"):
        assert words in TEXT
        assert reader.sees(words)
    assert reader.sees("it was away for")


def test_two_stalls_a_declined_card_and_a_change_of_mind(night: Night, reader: Reader) -> None:
    """Part 3, without script: goods of two merchants, a card that is declined, one that is not, cancelling."""
    for product in re.findall(r"\]\(http://127\.0\.0\.1:1111(/products/[a-z-]+)\).*press \*\*Add", TEXT):
        reader.open(product)
        reader.press("Add to cart")
    reader.open("/cart")
    assert reader.sees("2 parcels")
    reader.press("To checkout")
    reader.press("Order and pay", **ADDRESS, **CARD, number=card(0))
    assert "/checkout/" in reader.address
    assert reader.sees("not charged") or reader.sees("Nothing was charged")
    reader.press("Order and pay", **ADDRESS, **CARD, number=card(1))
    assert "/orders/ord_" in reader.address
    assert reader.sees("Night-Shift Bento Box")
    assert reader.sees("Evening Leaf Tea")
    reader.press("Cancel this order")
    Guest.press(reader, "Cancel the order")
    assert reader.sees("cancelled")


@pytest.mark.parametrize("role", ["operator", "merchant"])
def test_behind_the_counter(reader: Reader, role: str) -> None:
    """Part 4: the accounts that it names sign in, and an operator finds what it speaks of."""
    account = next(one for one in DEMO_ACCOUNTS if one.role == role)
    assert f"`{account.email}`" in TEXT
    reader.open("/console")
    Guest.press(reader, "Sign in", email=account.email, password=account.password)
    assert reader.sees("Sign out")
    if role == "operator":
        for name in ("Orders", "Facts", "Messages", "Overview"):
            reader.press(name)
            assert "/console" in reader.address


def test_every_address_leads_somewhere(night: Night, reader: Reader) -> None:
    """What the tutorial links to in the market is there (the paper star once it is imported)."""
    for path in set(re.findall(r"http://127\.0\.0\.1:1111(/[\w/-]*)", TEXT)) - {"/products/paper-star"}:
        assert reader.client.get(path).status_code == 200, path


def test_its_commands_say_what_it_shows(night: Night, reader: Reader) -> None:
    """Every command in order, the killed database included; what the first terminal says is compared as well."""
    first, *others = commands(PAGE)
    assert first.text == OPENING
    said = [line.replace(night.address, "http://127.0.0.1:1111") for line in night.terminal.said]
    assert matches([*first.says, "..."], said)
    with night.shell() as shell:
        for command in others:
            refused = any("refused" in line for line in command.says)
            shell.walk(command, ends_with=1 if refused else 0)
    assert night.terminal.heard("the database is back")
    reader.open("/products/paper-star")
    assert reader.sees("Paper Star")
