"""Words of this room that stand in the code."""

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Problem

KNOWN = {
    "terms": say_later("Terms"),
    "privacy": say_later("Privacy"),
    "festival": say_later("Name and promise of the festival"),
}
"""Pages that every shop has. The festival's stand at the top of the front page."""

REFUSED = {
    "slug": say_later("Write an address of small letters and digits with hyphens between them, such as about-us."),
    "title_en": say_later("Write the page in English first; it stands in where a language is missing."),
    "title": say_later("A title has 1 to 120 visible letters."),
    "body": say_later("Write the text, or leave title and text of this language empty."),
}
"""By field, without its language."""

CHANGED = say_later(
    "Someone else saved this page meanwhile. Yours is kept below: compare with theirs and save again to replace it."
)
TOO_MANY = say_later("A shop has at most 200 pages of words.")


def refusal(desk: Desk, problem: Problem) -> str:
    """Why the stage said no, in the language of who asked."""
    if problem.code == "page_changed":
        return desk.say(CHANGED)
    field = problem.field or ""
    words = REFUSED.get(field) or REFUSED.get(field.partition("_")[0])
    return desk.say(words or problem.detail)
