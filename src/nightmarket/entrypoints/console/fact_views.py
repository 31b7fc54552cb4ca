"""Facts as people read them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.entrypoints.pages import Formats
from nightmarket.kernel.ids import encode
from nightmarket.kernel.money import known_currency
from nightmarket.platform.facts import Fact

THINGS_SHOWN = 20
WORDS_SHOWN = 5
MAX_VALUE_LETTERS = 60

KINDS = (
    "orders.placed",
    "orders.paid",
    "orders.declined",
    "orders.lapsed",
    "orders.cancelled",
    "orders.noted",
    "orders.reduced",
    "payments.captured",
    "payments.declined",
    "payments.refunded",
    "payments.reported",
    "payments.stuck",
    "payments.wallet_source_changed",
    "payments.wallet_given",
    "claims.made",
    "claims.settled",
    "claims.released",
    "claims.lapsed",
    "tally.adjusted",
    "tally.emptied",
    "catalog.product_changed",
    "catalog.merchant_changed",
    "catalog.brand_changed",
    "catalog.reference_changed",
    "engagement.enquired",
    "engagement.profile_changed",
    "engagement.consent_changed",
    "engagement.profile_forgotten",
    "engagement.segment_changed",
    "stage.page_saved",
    "promotions.offer_published",
    "promotions.offer_retired",
    "promotions.offer_stopped",
    "promotions.draw_changed",
    "promotions.ticket_taken",
    "promotions.prize_given",
    "promotions.presale_booking_changed",
    "promotions.presale_changed",
    "promotions.surprise_changed",
    "promotions.collaboration_changed",
    "promotions.group_offer_changed",
    "promotions.group_started",
    "promotions.group_closed",
    "promotions.coupon_changed",
    "promotions.coupon_collected",
    "promotions.booklet_made",
    "promotions.booklet_stamped",
    "promotions.place_made",
    "promotions.place_changed",
    "promotions.sample_made",
    "promotions.sample_booked",
    "promotions.seat_changed",
    "promotions.festival_changed",
    "promotions.switches_changed",
    "promotions.enrolment_changed",
    "gate.room_changed",
    "gate.capacity_noted",
    "platform.acted",
)
"""What the filter offers; a test holds it to the contracts."""

MONEY = ("total", "amount", "refund")
"""Members that are minor units of the thing's currency."""

TONES = {"placed": "accent", "paid": "good", "captured": "good", "declined": "danger", "stuck": "danger"}


class Word(msgspec.Struct, frozen=True):
    """One member of a thing: its name, its value, and where it leads to."""

    name: str
    value: str
    link: str = ""


class FactView(msgspec.Struct, frozen=True):
    """A row of facts: the members of its first thing, how many more there are, and all of the first ones in full."""

    id: str
    at: datetime
    kind: str
    tone: str
    amount: int
    words: Sequence[Word]
    full: str

    @property
    def more(self) -> int:
        return self.amount - 1


def views_of(facts: Iterable[Fact], formats: Formats) -> list[FactView]:
    """Facts to be shown."""
    return [_view(fact, formats) for fact in facts]


def _view(fact: Fact, formats: Formats) -> FactView:
    things = fact.plain()
    first = dict(things[0]) if things else {}
    _dress(first, formats)
    members = [(name, value) for name, value in first.items() if _is_short(value)]
    full = msgspec.json.format(msgspec.json.encode(things[:THINGS_SHOWN]), indent=2).decode()
    if len(things) > THINGS_SHOWN:
        full += f"\n… {len(things) - THINGS_SHOWN} more"
    return FactView(
        id=encode("fact", fact.id),
        at=fact.at,
        kind=fact.kind,
        tone=TONES.get(fact.kind.rpartition(".")[2], ""),
        amount=fact.amount,
        words=[_word(name, value) for name, value in members[:WORDS_SHOWN]],
        full=full,
    )


def _dress(thing: dict[str, object], formats: Formats) -> None:
    """Amounts of money as money, so that nobody takes cents for euros."""
    currency = thing.get("currency")
    for name in MONEY:
        amount = thing.get(name)
        if isinstance(amount, int) and isinstance(currency, str) and known_currency(currency):
            thing[name] = formats.money(amount, currency)


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and value != ""


def _word(name: str, value: object) -> Word:
    text = str(value)
    if name == "order":
        order = encode("ord", UUID(text))
        return Word(name, f"…{order[-8:]}", f"/console/orders/{order}")
    if len(text) == 36 and text.count("-") == 4:
        return Word(name, f"…{text[-8:]}")
    return Word(name, text if len(text) <= MAX_VALUE_LETTERS else f"{text[:MAX_VALUE_LETTERS]}…")
