"""What can be refused when tallies are asked; all else is a Defect."""

from nightmarket.kernel.problems import Kind, Problem


class CapacityTaken(Problem):
    """A capacity cannot sink below what is held and spent of it."""

    code = "capacity_taken"
    kind = Kind.CONFLICT
