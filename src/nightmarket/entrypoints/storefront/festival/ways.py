"""What else there is in the festival: a way to each kind of thing that has no place among the goods."""

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.groups import GROUP_OFFER
from nightmarket.promotions.contract.surprises import SURPRISE

SHOWN = 3
"""Goods for groups, and surprise prices, of which the page tells."""

READ = 20

ALWAYS = (
    ("coupons", say_later("Coupons"), "ticket-check"),
    ("presales", say_later("Presale"), "calendar-clock"),
    ("draws", say_later("Prize draws"), "gift"),
    ("samples", say_later("Free samples"), "map-pin"),
)


class Way(msgspec.Struct, frozen=True):
    """A link; `title` names the goods, where it is about some."""

    path: str
    words: str
    icon: str
    title: str = ""


async def ways(store: Storefront, visit: Visit) -> list[Way]:
    """The same for everybody, so that a kept page may show it; without what is turned off."""
    shop, now = store.shop, store.shop.clock.now()
    begins = shop.switches.begins
    async with shop.database.read() as connection:
        groups = [one for one in await shop.groups.offers(connection, limit=READ) if one.is_live(now)][:SHOWN]
        surprises = [one for one in await shop.surprises.all(connection, limit=READ) if not one.is_revealed][:SHOWN]
    cards = await shop.catalog.cards_of([one.terms.product for one in (*groups, *surprises)])
    titles = {card.product: pick(card.title, visit.language) or card.slug for card in cards}
    found = [Way(f"/{name}", visit.say(words), icon) for name, words, icon in ALWAYS if begins(name)]
    found += [
        Way(
            f"/group-offers/{encode(GROUP_OFFER, one.id)}",
            visit.say("Buy together"),
            "users",
            titles[one.terms.product],
        )
        for one in groups
        if one.terms.product in titles and begins("groups")
    ]
    return found + [
        Way(f"/surprises/{encode(SURPRISE, one.id)}", visit.say("Surprise price"), "ticket", titles[one.terms.product])
        for one in surprises
        if one.terms.product in titles and begins("surprises")
    ]
