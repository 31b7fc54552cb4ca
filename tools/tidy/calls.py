"""Calls that hide where time, chance, output or an error comes from."""

import ast
from collections.abc import Iterator

from .house import House, Source

SOURCES_OF_TRUTH = ("src/nightmarket/kernel/clock.py", "src/nightmarket/kernel/ids.py")
"""The two files that may ask the machine for time and chance."""

CLOCK = "take a kernel.clock.Clock"
SPAN = f"{CLOCK}; time.monotonic measures spans"
IDS = "take kernel.ids.Ids"
HIDDEN = {
    "datetime.datetime.now": CLOCK,
    "datetime.datetime.utcnow": CLOCK,
    "datetime.datetime.today": CLOCK,
    "datetime.date.today": CLOCK,
    "time.time": SPAN,
    "time.time_ns": SPAN,
    "uuid.uuid1": IDS,
    "uuid.uuid4": IDS,
    "uuid.uuid6": IDS,
    "uuid.uuid7": IDS,
    "uuid.uuid8": IDS,
}
SEEDED = "random.Random"

EDGES = frozenset(
    {
        # one line for each place where whatever goes wrong must be caught, and why
        "src/nightmarket/platform/group_commit.py",  # one offender must not fail its batch
        "src/nightmarket/platform/jobs/drains.py",  # a step's fault must not stop its loop
        "src/nightmarket/platform/jobs/runner.py",  # a job's fault is shown to who asked for it
        "src/nightmarket/payments/providers/webhooks.py",  # one webhook must not keep the others from arriving
        "src/nightmarket/platform/http/direct.py",  # every request gets an answer
        "src/nightmarket/platform/http/edge.py",  # every request gets an answer
        "src/nightmarket/platform/following.py",  # a consumer's fault must not stop the others
    }
)


def _imported_names(source: Source) -> dict[str, str]:
    """Local name -> what it stands for in full: `datetime` -> `datetime.datetime` after a from-import."""
    names: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _full_name(node: ast.AST, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *parts])


def hidden_sources(house: House) -> Iterator[str]:
    """Clocks, ids and chance that are not passed in; naming one as a default counts as much as calling it."""
    for source in house.under("src", "tests/simulation"):
        if source.path in SOURCES_OF_TRUTH:
            continue
        names = _imported_names(source)
        for node in source.nodes:
            if not isinstance(node, ast.Attribute | ast.Name):
                continue
            name = _full_name(node, names)
            advice = HIDDEN.get(name)
            if name.startswith("random.") and name != SEEDED and not name.startswith(f"{SEEDED}."):
                advice = f"take a seeded {SEEDED}"
            if advice:
                yield f"{source.path}:{node.lineno}: {name}; {advice}"


def prints(house: House) -> Iterator[str]:
    """print() in the product, other than on the command line."""
    for source in house.under("src"):
        if source.room == "entrypoints":
            continue
        for node in source.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                yield f"{source.path}:{node.lineno}: print(); return it to an entrypoint, or log it with structlog"


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def broad_excepts(house: House) -> Iterator[str]:
    """`except Exception` outside the edges; a handler that ends with a bare `raise` only cleans up and is fine."""
    for source in house.under("src"):
        if source.path in EDGES:
            continue
        for node in source.nodes:
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node):
                yield (
                    f"{source.path}:{node.lineno}: catches everything; name the errors that can be handled here, "
                    "or if this is an edge, list the file in EDGES of tools/tidy/calls.py with its reason"
                )
