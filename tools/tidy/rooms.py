"""The rooms of a module: which files it has, where its queries stand and which tables they name."""

import ast
import re
from collections.abc import Iterator

from .house import PACKAGE, House, Source

SHAPE = ("README.md", "contract.py", "errors.py", "model.py", "handlers.py", "store.py")
REVISIONS = f"{PACKAGE}platform/migrations/"

ACROSS = frozenset(
    {
        "0007_goods",
        "0010_shoppers",
        "0011_merchants",
        "0013_webhooks",
        "0016_limits",
        "0017_rehearsals",
        "0018_midnight",
        "0019_codes",
        "0020_festival",
        "0021_offers",
        "0022_draws",
        "0023_order_path",
        "0024_keys",
        "0025_rooms",
        "0026_coupons",
        "0027_groups",
        "0028_presales",
        "0029_places",
        "0030_wallets",
        "0031_collaborations",
        "0032_segments",
        "0033_indexes",
        "0035_leftovers",
        "0034_wallet_codes",
        "0037_paid",
        "0038_statistics",
        "0039_pending_lists",
    }
)
"""Revisions named for what they bring instead of for a room; some bring it to several rooms at once."""

SQL = re.compile(
    r"^\s*(?:SELECT\b|INSERT\s+INTO\b|UPDATE\s+(?:ONLY\s+)?[\w.\"]+.*\bSET\b|DELETE\s+FROM\b|WITH\s+(?:RECURSIVE\s+)?\w+.*\bAS\s+|TRUNCATE\b|COPY\b"
    r"|(?:CREATE|ALTER|DROP)\s+(?:TABLE|SCHEMA|INDEX|FUNCTION|ROLE|POLICY|TYPE|VIEW|UNIQUE|DATABASE)\b|GRANT\b|NOTIFY\b|LISTEN\b)",
    re.DOTALL,
)
HIDDEN_IN_SQL = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|random|gen_random_uuid|uuidv[47])\s*\("
    r"|\bcurrent_(?:timestamp|date|time)\b",
    re.IGNORECASE,
)
AMONG = re.compile(r"\bIN\s*\(\s*SELECT\b", re.IGNORECASE)
SO_MANY = re.compile(r"\bLIMIT\s+[^?\s]", re.IGNORECASE)
"""With a question mark it is SQLite, which works a subquery out once."""

LITERAL = re.compile(r"'(?:[^']|'')*'")
TABLE = re.compile(r"(?<![\w.\"'])\"?([a-z_]+)\"?\.\"?([a-z_]\w*)")
LOWER_CASE_SQL = re.compile(
    r"\b(?:from|into|update|join)\s+[a-z_]+\.[a-z_]+\b.*\b(?:where|values|set|on|limit|order by)\b", re.DOTALL
)


def missing_files(house: House) -> Iterator[str]:
    """Business modules without one of their files; a folder of the same name counts."""
    for room, files in sorted(house.business_rooms().items()):
        for name in SHAPE:
            folder = name.removesuffix(".py") + "/__init__.py"
            if name not in files and folder not in files:
                yield f"{PACKAGE}{room}: has no {name}; all modules have the same rooms, to be found at once"


def queries(source: Source) -> Iterator[tuple[int, str]]:
    """Line and text of each string that is SQL; the holes of f-strings read as `{}`."""
    prose = source.docstrings()
    inside: set[int] = set()
    for node in source.nodes:
        if id(node) in prose or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if (SQL.match(text) or LOWER_CASE_SQL.search(text)) and "..." not in text:  # with dots it is advice to a person
            yield getattr(node, "lineno", 0), text


def _is_store(source: Source) -> bool:
    parts = source.path.removeprefix(PACKAGE).split("/")
    return len(parts) > 1 and parts[1] in {"store.py", "store"}


def stray_sql(house: House) -> Iterator[str]:
    """Queries outside store files, the platform and the revisions."""
    for source in house.under("src"):
        if source.room == "platform" or _is_store(source):
            continue
        for line, text in queries(source):
            start = " ".join(text.split())[:40]
            yield f"{source.path}:{line}: {start!r} is a query; it belongs into the module's store.py"


def foreign_schemas(house: House) -> Iterator[str]:
    """Tables of another module in a module's queries or in its revision."""
    schemas = {*house.business_rooms(), "platform"}
    for source in house.under("src"):
        own = source.room
        if source.path.startswith(REVISIONS):
            revision = source.path.rsplit("/", 1)[1].removesuffix(".py")
            if revision in ACROSS:
                continue
            own = revision.partition("_")[2]
        if own is None:
            continue
        for line, text in queries(source):
            for schema, table in TABLE.findall(LITERAL.sub("''", text)):
                if schema in schemas and schema != own:
                    yield (
                        f"{source.path}:{line}: {schema}.{table} belongs to {schema}; ask its contract, "
                        "or keep what you need of its facts in a table of your own"
                    )
        for node in source.nodes:
            match node:
                case ast.keyword(arg="schema_name", value=ast.Constant(str(schema))) if schema in schemas - {own}:
                    yield f"{source.path}:{node.value.lineno}: writes into schema {schema}; a module fills its own"
                case _:
                    pass


def hidden_sql_sources(house: House) -> Iterator[str]:
    """Queries that ask the server for the time or for chance, which a virtual clock and a seed could not play."""
    for source in house.under("src"):
        if source.path.startswith(REVISIONS):
            continue
        for line, text in queries(source):
            for found in HIDDEN_IN_SQL.findall(LITERAL.sub("''", text)):
                yield f"{source.path}:{line}: {found} in a query; pass the clock's instant or an id as a parameter"


def chosen_again(house: House) -> Iterator[str]:
    """Rows picked by a subquery with a limit, which PostgreSQL may work out anew for each row that it compares: then
    more are locked and deleted than were asked for, and 500 of 8,000 took two seconds. An array is worked out once."""
    for source in house.under("src"):
        for line, text in queries(source):
            for found in AMONG.finditer(text):
                if SO_MANY.search(_enclosed(text[found.start() :])):
                    yield f"{source.path}:{line}: IN (SELECT ... LIMIT) picks more than once; = ANY (ARRAY(SELECT ...))"


def _enclosed(text: str) -> str:
    """What stands between the first parenthesis and the one that closes it."""
    depth = 0
    start = text.index("(") + 1
    for place, letter in enumerate(text[start - 1 :], start - 1):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[start:place]
    return text[start:]


def _only_runs_sql(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("op"), "execute"), [_], [])):
            return True
        case ast.Expr(ast.Constant(str())):
            return True
        case ast.For(body=body, orelse=[]):
            return all(_only_runs_sql(part) for part in body)
        case _:
            return False


def _belongs_into_revision(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name=("upgrade" | "downgrade"), body=body):
            return all(_only_runs_sql(part) for part in body)
        case ast.ImportFrom("alembic", [ast.alias("op", None)], 0) | ast.Expr(ast.Constant(str())):
            return True
        case ast.Assign(value=(ast.Constant() | ast.Tuple() | ast.JoinedStr())) | ast.AnnAssign():
            return True
        case _:
            return False


def revisions(house: House) -> Iterator[str]:
    """Revisions that do more than run SQL, which could not be read or run by a database administrator."""
    for source in house.under(f"{REVISIONS}versions"):
        for statement in source.tree.body:
            if not _belongs_into_revision(statement):
                yield f"{source.path}:{statement.lineno}: a revision holds SQL constants and op.execute, nothing else"
