"""Words of this room that stand in the code."""

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import Role

ROLES = {
    Role.OPERATOR: say_later("Operator"),
    Role.MERCHANT: say_later("Merchant"),
    Role.MARKETER: say_later("Marketer"),
    Role.SERVICE: say_later("Service"),
    Role.PICKER: say_later("Picker"),
    Role.SHOPPER: say_later("Shopper"),
}

ROLE_HELP = {
    Role.OPERATOR: say_later("Sees and does everything."),
    Role.MERCHANT: say_later("Looks after the goods, stock and orders of one merchant, and sees nothing of others."),
    Role.MARKETER: say_later("Sees goods and stock, publishes and retires offers, writes the texts of pages."),
    Role.SERVICE: say_later("Sees orders, payments and messages, cancels orders."),
    Role.PICKER: say_later("Sees and counts stock, works on shipments."),
}

STATES = {"active": (say_later("active"), "good"), "suspended": (say_later("closed"), "danger")}
"""The word and the tone of an account's state."""

SCOPES = {
    "checkout": say_later("Carts, checkout and orders of its own shoppers"),
    "claims": say_later("Claims and prices for another shop"),
    "catalog:read": say_later("Read goods"),
    "catalog:write": say_later("Change goods"),
    "stock:read": say_later("Read stock"),
    "stock:write": say_later("Change stock"),
    "offers:read": say_later("Read offers"),
    "offers:write": say_later("Publish and retire offers"),
    "orders:read": say_later("Read orders"),
    "orders:write": say_later("Cancel orders"),
    "payments:read": say_later("Read payments"),
    "payments:write": say_later("Note payments"),
    "shipments:read": say_later("Read shipments"),
    "shipments:write": say_later("Work on shipments"),
    "merchants:read": say_later("Read merchants"),
    "merchants:write": say_later("Approve and change merchants"),
    "media:write": say_later("Bring in pictures"),
    "content:read": say_later("Read the texts of pages"),
    "content:write": say_later("Write the texts of pages"),
    "enquiries:read": say_later("Read enquiries"),
    "enquiries:write": say_later("Answer enquiries"),
    "facts:read": say_later("Read facts"),
    "messages:read": say_later("Read messages"),
    "jobs:read": say_later("See jobs"),
    "jobs:write": say_later("Start and stop jobs"),
    "health:read": say_later("Read figures and health"),
}
"""What a key may be allowed, in words; accounts and the console are for people only."""

REFUSED = {
    "email_taken": say_later("There is an account with this e-mail already."),
    "last_operator": say_later("Nobody could run the shop then. Make another operator first."),
    "weak_password": say_later("Use 10 to 200 letters, at least four of them different, and not the e-mail address."),
    "wrong_credentials": say_later("The old password is not right."),
    "too_many_attempts": say_later("Too many tries. Wait a quarter of an hour and try again."),
    "key_made": say_later(
        "This form has made its key already, and the key was shown then. If you did not keep it, "
        "end it and make another."
    ),
    "account_not_found": say_later("One of these accounts does not exist; nothing was changed."),
}
"""By the problem's code."""

INVALID = {
    "email": say_later("Write the e-mail address like name@example.org."),
    "name": say_later("A name has 1 to 100 visible letters."),
}
"""By field: what to do when what was typed is no such thing."""


def refusal(desk: Desk, problem: Problem) -> str:
    """Why access said no, in the language of who asked."""
    words = REFUSED.get(problem.code) or (INVALID.get(problem.field or "") if problem.code == "invalid_input" else None)
    return desk.say(words or problem.detail)
