"""The scoreboard's own arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from tools.scoreboard import file_sizes, largest_knot, siblings
from tools.tidy import House
from tools.tidy.house import Source

Edges = list[tuple[int, int]]


def reachable(edges: Edges, start: int) -> set[int]:
    """Nodes that can be reached from a node by at least one step."""
    seen: set[int] = set()
    ahead = [there for here, there in edges if here == start]
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += [there for here, there in edges if here == node]
    return seen


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_the_knot_is_the_largest_group_that_reaches_itself(edges: Edges) -> None:
    """Tarjan's way gives what the definition gives: the largest set of nodes that all reach each other."""
    ways = {node: reachable(edges, node) for node in range(8)}
    groups = [{other for other in ways if other in ways[node] and node in ways[other]} for node in ways]
    expected = max((len(group) for group in groups), default=0)
    knot = largest_knot([(str(here), str(there)) for here, there in edges])
    assert len(knot) == (expected if expected > 1 else 0)
    assert {int(node) for node in knot} in [set[int](), *groups]


def test_an_import_counts_where_the_paths_part() -> None:
    """Two files that import each other's folder tie the folders, though no two files do: that is a knot as well."""
    imports = [("a.orders.model.x", "a.orders.contract"), ("a.orders.contract", "a.orders.model.y"), ("a.b", "a.b.c")]
    between = siblings(imports)
    assert set(between) == {"a.orders"}
    assert largest_knot(between["a.orders"]) == ["a.orders.contract", "a.orders.model"]


def test_empty_files_do_not_flatter_the_median() -> None:
    """Files without a line are not counted, and tests are not the product."""
    files = {"src/nightmarket/a.py": "", "src/nightmarket/b.py": "x\n" * 7, "tests/unit/c.py": "x\n"}
    assert file_sizes(House([Source(path, text) for path, text in files.items()], files)) == [7]
