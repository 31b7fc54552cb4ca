"""The page that people see when something goes wrong: what happened, what is safe, what to do."""

from uuid import UUID

from nightmarket.platform.access import Caller, guest
from nightmarket.platform.http import SAFE_METHODS, ASGIScope, ErrorPage, ProblemBody

from .site import Site
from .words import say_later

NOBODY = Caller(guest(UUID(int=0)), "")

TITLES = {
    400: say_later("That could not be read"),
    401: say_later("Please sign in first"),
    403: say_later("That is not open to you"),
    404: say_later("There is nothing at this address"),
    405: say_later("That is not possible here"),
    409: say_later("Something changed in between"),
    410: say_later("This is gone"),
    413: say_later("That was too large"),
    415: say_later("That could not be read"),
    422: say_later("That could not be done"),
    429: say_later("That was too fast"),
    500: say_later("Something went wrong on our side"),
    503: say_later("The market is catching its breath"),
}

HAPPENED = {
    400: say_later("What was sent does not fit what this page expects. Go back and check what you typed."),
    401: say_later("This page is for people with an account."),
    403: say_later("Your account may not see this page."),
    404: say_later("The address may be mistyped, or what stood here is no longer sold."),
    405: say_later("This address answers to other requests. Start again from the market."),
    409: say_later("Someone, perhaps you in another window, changed this at the same moment. Load the page again."),
    410: say_later("What stood here has been closed for good."),
    413: say_later("More was sent than this page takes."),
    415: say_later("What was sent does not fit what this page expects. Go back and check what you typed."),
    422: say_later("The request was understood but cannot be carried out as it is."),
    429: say_later("Many requests came from your address in a short time. Wait a moment and try again."),
    500: say_later("The fault has been written down. Trying again often helps."),
    503: say_later("Part of the shop does not answer at this moment. Try again in a few seconds."),
}

FORM_EXPIRED = say_later("This form is from an earlier visit. Load the page again and send it once more.")
OTHER_SITE = say_later("Another site sent this request, so it was not carried out. Use the form on our own page.")
TURNED_OFF = say_later("This is turned off at the moment. What you have begun goes on.")
KEPT = say_later("Your cart and your orders are as they were. Nothing was charged.")
UNKNOWN = say_later(
    "Your cart is as it was. If you were just paying, look at your orders first: a repeat never charges you twice."
)


def problem_page(site: Site) -> ErrorPage:
    """Renders a problem; asks neither database nor session, since these may be what is broken."""

    def page(problem: ProblemBody, scope: ASGIScope) -> bytes:
        visit = site.anonymous(scope, NOBODY, NOBODY.actor.id)
        status = problem.status if problem.status in TITLES else 500 if problem.status >= 500 else 400
        changing = scope["method"] not in SAFE_METHODS
        retry = status in (409, 429, 500, 503) and not changing
        words: dict[str, object] = {
            "problem": problem,
            "title": visit.say(TITLES[status]),
            "happened": visit.say(_happened(problem, status)),
            "safe": visit.say(UNKNOWN if changing and status >= 500 else KEPT) if status != 404 else "",
            "again": visit.path if retry else "",
            "lit": _lit(status),
        }
        return site.render(visit, "pages/problem.html", words)

    return page


def _happened(problem: ProblemBody, status: int) -> str:
    match problem.code:
        case "form_expired":
            return FORM_EXPIRED
        case "cross_site_request":
            return OTHER_SITE
        case "turned_off":
            return TURNED_OFF
        case _:
            return HAPPENED[status]


def _lit(status: int) -> int:
    """How many of the four lamps still burn."""
    return 3 if status == 404 else 1 if status >= 500 else 2
