"""What the pages of an account say after something was done, and what is wrong with a field."""

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Problem

DONE = {
    "welcome": say_later("Welcome. Your account is open and your address confirmed."),
    "signed-out": say_later("You are signed out. This browser has an empty cart now."),
    "signed-out-everywhere": say_later("You are signed out everywhere."),
    "name": say_later("Your name is changed."),
    "password": say_later("Your password is changed. All other devices are signed out."),
    "ask-email": say_later("We have sent a link to the new address. It becomes yours when you follow the link."),
    "email": say_later("Your e-mail address is confirmed."),
    "confirm": say_later("We have sent a link to your address. It is good for 24 hours."),
    "session": say_later("That device is signed out."),
    "sessions": say_later("All other devices are signed out."),
    "address": say_later("The address is saved."),
    "address-gone": say_later("The address is removed."),
    "claimed": say_later("The orders are in your account now."),
    "choices": say_later("Your choices are saved."),
    "deleted": say_later("Your account is deleted. Your address is free again."),
}
"""By the query's `done`."""

FIELDS = {
    "email": say_later("Write the e-mail address like name@example.org."),
    "name": say_later("Write a name of 1 to 100 letters."),
    "password": say_later(
        "Choose at least 10 letters, four of them different, that are not your e-mail address. A few words work well."
    ),
    "new_password": say_later(
        "Choose at least 10 letters, four of them different, that are not your e-mail address. A few words work well."
    ),
    "first_name": say_later("Write the first name in up to 120 printable letters."),
    "last_name": say_later("Write the last name in up to 120 printable letters."),
    "street": say_later("Write the street in up to 120 printable letters."),
    "extended": say_later("Write the addition in up to 120 printable letters."),
    "postal_code": say_later("Write the postal code in up to 20 printable letters."),
    "city": say_later("Write the town in up to 120 printable letters."),
    "region": say_later("Write the region in up to 120 printable letters."),
    "country": say_later("Choose a country from the list."),
    "phone": say_later("Write the telephone number in up to 40 printable letters."),
}
"""By field: what to do when it is refused."""

TOO_MANY = say_later("Too many tries. Wait %(minutes)s minutes and try again.")
WRONG_PASSWORD = say_later("That is not your password. Check it and try again.")
OTHER = say_later("Something in this form cannot be taken as it is. Check each field.")


def note(form: Form, problem: Problem, visit: Visit, *, field: str) -> None:
    """Note a refusal beside its field, else beside `field`."""
    match problem.code:
        case "too_many_attempts":
            seconds = int(problem.fields.get("retry_after_seconds", 60))
            form.wrong(field, visit.say(TOO_MANY, minutes=-(-seconds // 60)))
        case "wrong_credentials":
            form.wrong(field, visit.say(WRONG_PASSWORD))
        case _ if problem.field in FIELDS:
            form.wrong(problem.field, visit.say(FIELDS[problem.field]))
        case _:
            form.wrong(field, visit.say(OTHER))
