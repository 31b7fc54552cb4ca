"""The tidy rules over the tree, and each rule over a tree in which it is broken."""

from pathlib import Path

import pytest

from tools.tidy import RULES, House, read_house
from tools.tidy.house import Source

ROOT = Path(__file__).parents[2]
HOUSE = read_house(ROOT)


def tree_of(files: dict[str, str]) -> House:
    """A house of path -> text."""
    return House([Source(path, text) for path, text in files.items() if path.endswith(".py")], files)


@pytest.mark.parametrize("name", RULES)
def test_the_tree_keeps_the_rule(name: str) -> None:
    """The repository keeps each tidy rule; a message says what to do."""
    messages = list(RULES[name](HOUSE))
    assert not messages, "\n".join(["", *messages])


ROOM = "src/nightmarket/orders"
REVISION = "src/nightmarket/platform/migrations/versions/0006_orders.py"
GOOD_REVISION = """from alembic import op
revision = "0006"
UP = "CREATE SCHEMA orders"
def upgrade() -> None:
    op.execute(UP)
"""
LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * 70
TEST_WITH_WORDS = 'def test_it() -> None:\n    """It holds."""\n'

BROKEN: list[tuple[str, dict[str, str]]] = [
    ("files stay under 500 lines", {f"{ROOM}/model.py": "pass\n" * 500}),
    ("files stay under 500 lines", {"src/nightmarket/entrypoints/static/cart.css": "a {}\n" * 500}),
    ("functions stay within 70 lines", {"tests/unit/test_a.py": LONG_FUNCTION}),
    ("functions take at most 6 parameters", {f"{ROOM}/model.py": "def f(a, b, c, *, d, e, f, g): ..."}),
    ("functions take at most 6 parameters", {f"{ROOM}/model.py": "class A:\n  def f(self, a, b, c, d, e, f, g): ..."}),
    ("names say what a file is for", {f"{ROOM}/helpers.py": ""}),
    ("names say what a file is for", {"tests/common/shapes.py": ""}),
    ("names say what a file is for", {"src/nightmarket/entrypoints/pages/base.html": ""}),
    ("nothing is left unfinished", {f"{ROOM}/model.py": "# TO" + "DO: price it\n"}),
    ("nothing is left unfinished", {f"{ROOM}/model.py": "raise NotImplemented" + "Error\n"}),
    ("no path or host of one machine", {"docs/how-to/run.md": "cd /home/" + "ada/nightmarket\n"}),
    ("no path or host of one machine", {"requirements.txt": "--index-url http:" + "//pypi.local/simple\n"}),
    ("no path or host of one machine", {"package-lock.json": '"http:' + '//10.0.0.7:4873/htmx.org.tgz"'}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "from datetime import datetime\ndatetime.now()"}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "import datetime\ndatetime.datetime.utcnow()"}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "import datetime as d\nfield(default=d.date.today)"}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "from time import time as clock\nclock()"}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "from uuid import uuid4\nuuid4()"}),
    ("time and chance come from one source", {f"{ROOM}/model.py": "import random\nrandom.choice([1])"}),
    ("queries are given time and chance too", {f"{ROOM}/store.py": 'Q = "UPDATE orders.session SET due_at = now()"'}),
    ("queries are given time and chance too", {f"{ROOM}/store.py": 'Q = "SELECT gen_random_uuid()"'}),
    (
        "rows are picked once",
        {f"{ROOM}/store.py": 'Q = "DELETE FROM orders.a WHERE id IN (SELECT id FROM orders.a LIMIT $1 FOR UPDATE)"'},
    ),
    ("only entrypoints print", {f"{ROOM}/handlers.py": "print(1)"}),
    ("errors are caught by name", {f"{ROOM}/handlers.py": "try:\n  f()\nexcept Exception:\n  pass"}),
    ("errors are caught by name", {f"{ROOM}/handlers.py": "try:\n  f()\nexcept:\n  g()"}),
    ("errors are caught by name", {f"{ROOM}/handlers.py": "try:\n  f()\nexcept (OSError, BaseException):\n  g()"}),
    ("each module has its rooms", {f"{ROOM}/model.py": "", f"{ROOM}/README.md": ""}),
    ("queries live in the stores", {f"{ROOM}/handlers.py": 'await tx.fetch("SELECT 1")'}),
    ("queries live in the stores", {f"{ROOM}/handlers.py": 'q = f"DELETE FROM orders.{table}"'}),
    ("queries live in the stores", {f"{ROOM}/handlers.py": 'q = "select id from orders.session where id = $1"'}),
    (
        "a module's queries name its own schema only",
        {
            f"{ROOM}/store.py": 'Q = "SELECT * FROM orders.line JOIN tally.claim USING (id)"',
            "src/nightmarket/tally/model.py": "",
        },
    ),
    (
        "a module's queries name its own schema only",
        {f"{ROOM}/store/cart.py": 'Q = "INSERT INTO platform.fact VALUES (1)"'},
    ),
    ("a module's queries name its own schema only", {f"{ROOM}/store.py": 'copy("fact", schema_name="platform")'}),
    ("a module's queries name its own schema only", {REVISION: 'UP = "ALTER TABLE platform.fact ADD x int"'}),
    ("revisions are SQL", {REVISION: "from alembic import op\ndef upgrade() -> None:\n    op.create_table('a')"}),
    ("revisions are SQL", {REVISION: "import nightmarket.orders.model"}),
    (
        "code is not patched in tests",
        {"tests/unit/test_a.py": "def test_a(monkeypatch): monkeypatch.setattr(a, 'b', 1)"},
    ),
    ("code is not patched in tests", {"tests/unit/test_a.py": "from unittest.mock import MagicMock"}),
    ("code is not patched in tests", {"tests/unit/test_a.py": "from unittest import mock"}),
    ("code is not patched in tests", {"tests/unit/test_a.py": "def test_a(mocker): ..."}),
    ("a test's first line says what must hold", {"tests/unit/test_a.py": "def test_a(): ..."}),
    (
        "a test's first line says what must hold",
        {"tests/unit/test_a.py": "class TestA:\n  async def test_a(self): ..."},
    ),
    ("a test is not skipped without a reason", {"tests/unit/test_a.py": "@pytest.mark.xfail()\ndef test_a(): ..."}),
]


@pytest.mark.parametrize(("name", "files"), BROKEN)
def test_a_rule_sees_what_breaks_it(name: str, files: dict[str, str]) -> None:
    """Each rule names the planted violation, so that a rule that sees nothing can't pass for a tidy house."""
    assert list(RULES[name](tree_of(files)))


def test_every_rule_has_a_planted_violation() -> None:
    """A new rule comes with a tree that breaks it."""
    assert {name for name, _ in BROKEN} == set(RULES)


ALLOWED: list[tuple[str, dict[str, str]]] = [
    ("functions stay within 70 lines", {"tests/unit/test_a.py": "def long() -> None:\n" + "    pass\n" * 69}),
    ("functions take at most 6 parameters", {f"{ROOM}/model.py": "class A:\n  def f(self, a, b, c, d, e, f): ..."}),
    ("no path or host of one machine", {"README.md": "http://127.0.0.1:1111/ and https://registry.npmjs.org/htmx.org"}),
    (
        "time and chance come from one source",
        {"src/nightmarket/kernel/clock.py": "import datetime\ndatetime.datetime.now()"},
    ),
    (
        "time and chance come from one source",
        {f"{ROOM}/model.py": "import random, time\nrandom.Random(7).random()\ntime.monotonic()"},
    ),
    ("only entrypoints print", {"src/nightmarket/entrypoints/cli/audit.py": "print(1)"}),
    ("errors are caught by name", {f"{ROOM}/handlers.py": "try:\n  f()\nexcept BaseException:\n  undo()\n  raise"}),
    (
        "queries live in the stores",
        {f"{ROOM}/handlers.py": '"""SELECT is not a query in prose."""\nx = "Select a size"'},
    ),
    (
        "a module's queries name its own schema only",
        {f"{ROOM}/store.py": "Q = \"SELECT 'platform.fact' FROM orders.session s\""},
    ),
    ("revisions are SQL", {REVISION: GOOD_REVISION}),
    ("a test's first line says what must hold", {"tests/unit/test_a.py": TEST_WITH_WORDS}),
    ("a test is not skipped without a reason", {"tests/unit/test_a.py": 'pytest.skip("no Chromium: run make setup")'}),
]


@pytest.mark.parametrize(("name", "files"), ALLOWED)
def test_a_rule_lets_good_code_be(name: str, files: dict[str, str]) -> None:
    """A rule that cries at good code would be switched off; these stay silent."""
    assert list(RULES[name](tree_of(files))) == []
