"""The closed set of refusals of search. A query is never refused: what cannot be understood is left out."""

from nightmarket.kernel.problems import Kind, Problem


class NothingToIndex(Problem):
    """There are no goods that search could know."""

    code = "nothing_to_index"
    kind = Kind.NOT_FOUND
