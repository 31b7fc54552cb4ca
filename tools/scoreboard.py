"""The figures that decide whether a house stays worth living in, beside our aims. `python -m tools.scoreboard`."""

import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import grimp

from .tidy import read_house
from .tidy.house import House
from .tidy.sizes import FUNCTION_LINES, function_lengths
from .tidy.tests import patched_calls, test_functions

PACKAGE = "nightmarket"
Row = tuple[str, str, str, bool]
"""What is counted, our figure, the aim, and whether the aim is met."""


def file_sizes(house: House) -> list[int]:
    """Lines of each Python file of the product that has any, sorted."""
    sizes = sorted(source.text.count("\n") for source in house.under("src"))
    return [size for size in sizes if size > 0]


def largest_knot(edges: Iterable[tuple[str, str]]) -> list[str]:
    """The largest group of nodes that all reach each other (Tarjan 1972, without recursion); empty where none do."""
    following: dict[str, list[str]] = {}
    for here, there in edges:
        following.setdefault(here, []).append(there)
        following.setdefault(there, [])
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    best: list[str] = []
    for start, first in following.items():
        work = [(start, iter(first))] if start not in index else []
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    knot = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    best = max(best, knot, key=len)
            elif step not in index:
                work.append((step, iter(following[step])))
            elif step in stack:
                low[node] = min(low[node], index[step])
    return sorted(best) if len(best) > 1 else []


def siblings(imports: Iterable[tuple[str, str]]) -> dict[str, set[tuple[str, str]]]:
    """Package -> imports between its children: each import counts where the two paths part."""
    between: dict[str, set[tuple[str, str]]] = {}
    for here, there in imports:
        ours, theirs = here.split("."), there.split(".")
        depth = next((i for i, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), 0)
        if depth:
            edge = (".".join(ours[: depth + 1]), ".".join(theirs[: depth + 1]))
            between.setdefault(".".join(ours[:depth]), set()).add(edge)
    return between


def knots() -> tuple[list[str], list[str], list[str]]:
    """The largest knot between rooms, between the children of any package, and between files."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    files = [(here, there) for here in graph.modules for there in graph.find_modules_directly_imported_by(here)]
    between = siblings(files)
    rooms = largest_knot(between.get(PACKAGE, ()))
    return rooms, max((largest_knot(edges) for edges in between.values()), key=len, default=[]), largest_knot(files)


def rows(house: House) -> list[Row]:
    """Every figure of the table."""
    sizes = file_sizes(house)
    median, largest = statistics.median(sizes), sizes[-1]
    p95 = sizes[min(len(sizes) - 1, int(len(sizes) * 0.95))]
    between_rooms, between_siblings, between_files = knots()
    long = [
        place for source in house.under("src") for place, lines in function_lengths(source) if lines > FUNCTION_LINES
    ]
    patched = list(patched_calls(house))
    tests = len(list(test_functions(house)))
    properties = [source.path for source in house.under("tests") if "from hypothesis" in source.text]
    return [
        ("files of Python in src", str(len(sizes)), "-", True),
        ("lines of Python in src", f"{sum(sizes):,}", "-", True),
        ("median file, lines", f"{median:g}", "60", median <= 60),
        ("p95 file, lines", str(p95), "300", p95 <= 300),
        ("largest file, lines", str(largest), "499", largest <= 499),
        ("knot between rooms", str(len(between_rooms)), "0", not between_rooms),
        ("knot inside any package", str(len(between_siblings)), "0", not between_siblings),
        ("knot between files", str(len(between_files)), "0", not between_files),
        (f"functions over {FUNCTION_LINES} lines", str(len(long)), "0", not long),
        ("patched calls in tests", str(len(patched)), "0", not patched),
        ("test functions", str(tests), "-", True),
        ("files with property tests", str(len(properties)), "money, price, tally", bool(properties)),
    ]


def main() -> int:
    """Print the table. The aims are aims: `make check` holds the limits, this shows the way to them."""
    table = rows(read_house(Path.cwd()))
    print(f"{'':28}{'now':>10}   aim")
    for name, now, aim, met in table:
        print(f"{name:28}{now:>10}   {aim}{'' if met else '   <- not met'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
