"""Offers that a buyer does not want: what is limited per buyer need not be taken, so nobody has to say who they are to
buy at the price that everybody pays. Pure."""

from collections.abc import Iterable
from uuid import UUID

from nightmarket.promotions.contract import Book, Offer
from nightmarket.promotions.contract.asking import OffersById

MAX_DECLINED = 20
"""Offers that one cart or session goes without because its buyer said so."""

DECLINED = "declined"
"""Why such an offer takes nothing off, in the words of `explain`."""


def may_decline(offer: Offer) -> bool:
    """Whether a buyer may go without it: what is counted by buyer and not compulsory (as a balance of a presale is)."""
    return offer.per_buyer is not None and not offer.compulsory


def going_without(declined: Iterable[UUID], book: Book) -> dict[UUID, str]:
    """Those of the declined offers that the price leaves out, and why."""
    offers = OffersById(book)
    known = ((id, offers.get(id)) for id in declined)
    return {id: DECLINED for id, offer in known if offer is not None and may_decline(offer)}
