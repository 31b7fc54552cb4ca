"""What shoppers of a rehearsal were refused, and what failed, in words: the codes are those of the order API."""

from collections.abc import Mapping, Sequence

from nightmarket.entrypoints.pages.words import say_later

from .speech import Speech

REFUSED: Mapping[str, str] = {
    "out_of_stock": say_later("sold out"),
    "payment_failed": say_later("card declined"),
    "unknown_payment_handler": say_later("way of paying not known"),
    "payment_undecided": say_later("payment undecided"),
    "limit_reached": say_later("purchase limit reached"),
    "price_changed": say_later("price changed meanwhile"),
    "item_unavailable": say_later("no longer for sale"),
    "no_price_in_currency": say_later("no price in this currency"),
    "address_undeliverable": say_later("not delivered there"),
    "too_late": say_later("too late for the slot"),
    "slot_over": say_later("too late for the slot"),
    "identity_needed": say_later("confirmed address needed"),
    "missing": say_later("address missing"),
    "delivery_missing": say_later("no delivery chosen"),
    "address_incomplete": say_later("address incomplete"),
    "email_missing": say_later("e-mail missing"),
    "empty": say_later("empty cart"),
    "session_closed": say_later("checkout was over"),
    "idempotency_conflict": say_later("the same key with another wish"),
    "changed_meanwhile": say_later("changed meanwhile"),
    "wallet_changed": say_later("changed meanwhile"),
    "seat_taken": say_later("seat taken"),
    "not_cancellable": say_later("too late to be cancelled"),
    "real_outlet": say_later("kept from a real outlet"),
    "queue_required": say_later("sent to a waiting room"),
    "not_your_turn": say_later("sent to a waiting room"),
    "too_many_requests": say_later("asked too often"),
    "invalid_input": say_later("request not understood"),
    "sign_in_required": say_later("key not accepted"),
    "forbidden": say_later("not allowed"),
    "not_found": say_later("not found"),
    "canceled": say_later("cancelled"),
    "incomplete": say_later("something was missing"),
    "not_ready": say_later("something was missing"),
    "ready_for_complete": say_later("sent back to be confirmed"),
    "complete_in_progress": say_later("payment undecided"),
    "refused": say_later("refused without a reason"),
}
"""By code, as the order API says it."""

FAILED: Mapping[str, str] = {
    "line lost": say_later("connection lost or no answer in time"),
    "unreadable": say_later("answer not to be read"),
    "408": say_later("408: took too long"),
    "429": say_later("429: asked too often"),
    "500": say_later("500: fault in the shop"),
    "502": say_later("502: no shop behind the server"),
    "503": say_later("503: overloaded or away"),
    "504": say_later("504: took too long"),
}
GAVE_UP = "gave up: "


def words_of(speech: Speech, code: str) -> str:
    """One code in words."""
    if code.startswith(GAVE_UP):
        why = words_of(speech, code.removeprefix(GAVE_UP))
        return speech.say(say_later("gave up (%(why)s)"), why=why)
    known = REFUSED.get(code) or FAILED.get(code)
    return speech.say(known) if known else code


def counted(speech: Speech, counts: Mapping[str, int], most: int) -> Sequence[str]:
    """The most frequent in words with their amounts; what has the same words is one."""
    together: dict[str, int] = {}
    for code, amount in counts.items():
        words = words_of(speech, code)
        together[words] = together.get(words, 0) + amount
    best = sorted(together.items(), key=lambda one: (-one[1], one[0]))[:most]
    return [f"{words} {speech.number(amount)}" for words, amount in best]
