"""Why something outside was not fetched."""

from nightmarket.kernel.problems import Kind, Problem


class OutsideRefused(Problem):
    """An address that is not asked at all: another scheme or port, a private network, a redirect into one."""

    code = "outside_refused"
    kind = Kind.UNPROCESSABLE


class OutsideFailed(Problem):
    """The other side did not give it: no such name, no answer in time, an error, too many bytes."""

    code = "outside_failed"
    kind = Kind.UNPROCESSABLE
