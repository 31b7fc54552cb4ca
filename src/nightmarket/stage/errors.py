"""The refusals of the stage; codes are stable."""

from nightmarket.kernel.problems import Kind, Problem


class PageRefused(Problem):
    """A page's words break a stated bound; `field` names which."""

    code = "page_refused"
    kind = Kind.UNPROCESSABLE


class PageChanged(Problem):
    """Someone else saved the page in between; nothing of either is lost."""

    code = "page_changed"
    kind = Kind.CONFLICT
