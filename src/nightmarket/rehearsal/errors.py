"""What a rehearsal may refuse: a closed set of codes."""

from nightmarket.kernel.problems import Kind, Problem


class NoCrowd(Problem):
    """There is a crowd only in an open demo that nobody but this machine can reach."""

    code = "no_crowd"
    kind = Kind.NOT_FOUND


class CrowdBusy(Problem):
    """A crowd is in the shop already; one at a time."""

    code = "crowd_busy"
    kind = Kind.CONFLICT


class NoArticle(Problem):
    """What the crowd would buy is not sold here, or it cannot be put on the shelf."""

    code = "no_crowd_article"
    kind = Kind.CONFLICT


class NotOurDatabase(Problem):
    """Only the database that this very shop has started may be killed."""

    code = "not_our_database"
    kind = Kind.CONFLICT


class FaultRefused(Problem):
    """A fault that does not exist, or that cannot strike this shop."""

    code = "fault_refused"
    kind = Kind.CONFLICT


class NothingMeasured(Problem):
    """There is no measurement to conclude from, or it measured too little."""

    code = "nothing_measured"
    kind = Kind.NOT_FOUND


class NotRehearsed(Problem):
    """A rehearsal cannot be played here, or not as it was asked for; the detail says why and what to do."""

    code = "not_rehearsed"
    kind = Kind.CONFLICT
