"""The application's form: what is typed, what may be wrong with it, and what it means."""

import re
import unicodedata
from datetime import date
from typing import Final

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import Ids, encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import EmailTaken, WeakPassword, normal_email

TERMS_VERSION: Final = "1"
TERMS_ON: Final = date(2026, 11, 1)
"""The market's terms for merchants as `terms.html` has them; a new wording gets a new version and date."""

MAX_COMPANY_LETTERS = 80
MAX_CONTACT_LETTERS = 100
MAX_SELLS_LETTERS = 1_000
MAX_SLUG_LETTERS, TAIL_LETTERS = 60, 6

FIELDS = ("company", "contact", "email", "password", "country", "sells", "terms")
"""In the order of the page, which is the order in which errors are listed."""

NEEDED = {
    "company": say_later("Enter the name of your company or stall."),
    "contact": say_later("Enter the name of a person we can talk to."),
    "email": say_later("Enter your e-mail address."),
    "password": say_later("Choose a password."),
    "country": say_later("Choose the country that you sell from."),
    "sells": say_later("Say in a few words what you sell."),
}
BOUNDS = {"company": MAX_COMPANY_LETTERS, "contact": MAX_CONTACT_LETTERS, "sells": MAX_SELLS_LETTERS}

NOT_AN_EMAIL = say_later("Write the e-mail address like name@example.org.")
WEAK = say_later("Choose a password of 10 to 200 letters, with at least four different ones, not the e-mail address.")
TAKEN = say_later("There is an account with this e-mail address already. Sign in with it, or use another address.")
NAME_TAKEN = say_later("There is a stall of this name already. Choose another name.")
OTHER = say_later("This cannot be taken as it is. Check it and try again.")


def slugs_of(name: str, ids: Ids) -> list[str]:
    """Addresses to try for a stall of that name: its letters, and with something behind them that nobody else has."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG_LETTERS].strip("-")
    tail = encode("", ids.new())[-TAIL_LETTERS:]
    return [slug, f"{slug}-{tail}"] if len(slug) > 1 else [f"stall-{tail}"]


def check(form: Form, visit: Visit) -> None:
    """Note what is missing or cannot be."""
    for name, words in NEEDED.items():
        if not form.get(name):
            form.wrong(name, visit.say(words))
    for name, bound in BOUNDS.items():
        text = form.get(name)
        shown = text.replace("\r", "").replace("\n", "") if name == "sells" else text
        if len(text) > bound or not shown.isprintable():
            form.wrong(name, visit.say("Write this in at most %(most)s visible letters.", most=bound))
    if form.get("email"):
        try:
            normal_email(form.get("email"))
        except InvalidInput:
            form.wrong("email", visit.say(NOT_AN_EMAIL))
    if form.get("country") and form.get("country") not in dict(visit.formats.countries()):
        words = NEEDED["country"]
        form.wrong("country", visit.say(words))
    if form.get("terms") != TERMS_VERSION:
        words = visit.say("Read the terms for merchants and accept them; without that we cannot let you sell.")
        form.wrong("terms", words)


def note_refusal(form: Form, problem: Problem, visit: Visit) -> None:
    """Note what the house refused beside its field."""
    match problem:
        case EmailTaken():
            form.wrong("email", visit.say(TAKEN))
        case WeakPassword():
            form.wrong("password", visit.say(WEAK))
        case _:
            name = {"slug": "company", "name": "company"}.get(problem.field or "", problem.field or "")
            taken = name == "company" and problem.status == 409
            form.wrong(name if name in FIELDS else "company", visit.say(NAME_TAKEN if taken else OTHER))
