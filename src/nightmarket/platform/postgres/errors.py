"""Why the embedded server could not be had."""

from nightmarket.kernel.problems import Kind, Problem


class StartRefused(Problem):
    """Something on this machine stands in the way of starting; the detail says what, and how to mend it."""

    code = "start_refused"
    kind = Kind.CONFLICT
