"""How much of an offer is left that only so many can have: the tally that a bar beside its price shows.

An id such as `off_01m8..._eur` names what is left of an offer in a currency, as `var_...` names what is left of goods.
"""

from uuid import UUID

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import Book, Offer, budget_tally
from nightmarket.promotions.contract.asking import OffersById

PREFIX = "off"


def quota_tallies(offer: Offer, currency: str) -> tuple[UUID, ...]:
    """Its uses first, then its budget in that currency; none where everybody can have it."""
    uses = () if offer.uses is None else (offer.uses,)
    return uses if currency not in offer.budget else (*uses, budget_tally(offer.id, currency))


def quota_id(offer: Offer, currency: str) -> str:
    return f"{encode(PREFIX, offer.id)}_{currency.lower()}"


def is_quota(id: str) -> bool:
    return id.startswith(f"{PREFIX}_")


def named_tallies(id: str, book: Book) -> tuple[UUID, ...]:
    """What the bar of that id counts; nothing for an offer that is no longer in the book. Raises InvalidInput."""
    word, _, currency = id.rpartition("_")
    if not word:
        raise InvalidInput("This is no id of an offer.", field="products")
    try:
        offer = OffersById(book)[decode(PREFIX, word)]
    except KeyError:
        return ()
    return quota_tallies(offer, currency.upper())[:1]
