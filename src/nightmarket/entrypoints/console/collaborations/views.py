"""Joint offers and proposals of partners in words."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Card
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import OrderRow
from nightmarket.promotions.contract import offer_of
from nightmarket.promotions.contract.collaborations import (
    COLLABORATION,
    MIN_BUYERS,
    Collaboration,
    GoodsPair,
    JointState,
    PartnerProposal,
    Side,
)

from .words import KINDS, STATES

MARKET = say_later("the market")


class SideView(msgspec.Struct, frozen=True):
    """One merchant's side of a joint offer."""

    merchant: str
    goods: str
    share: str
    agreed: bool


class JointView(msgspec.Struct, frozen=True):
    """A joint offer, and what this person may do with it."""

    ident: str
    one: Collaboration
    name: str
    kind: str
    state: str
    tone: str
    sides: tuple[SideView, SideView]
    market: str
    """What the market pays; "" for nothing."""
    gives: str
    by: str
    may: frozenset[str]
    """Of accept, decline, withdraw, end, approve, refuse."""


class PairView(msgspec.Struct, frozen=True):
    """Two categories and how much more often they are bought together."""

    mine: str
    theirs: str
    times: str
    carts: int


class KnownView(msgspec.Struct, frozen=True):
    """How many of a merchant's buyers know the partner: a percentage, "" where too few do to say."""

    merchant: str
    partner: str
    percent: str


class PartnerView(msgspec.Struct, frozen=True):
    """Two who go well together, with the reason from the side of each that is shown."""

    merchant: str
    partner: str
    known: Sequence[KnownView]
    pairs: Sequence[PairView]
    query: str
    """What the form of a joint offer begins with."""


class FundingView(msgspec.Struct, frozen=True):
    """What a joint offer took off an order, and who pays which part of it."""

    name: str
    amount: int
    currency: str
    parts: Sequence[tuple[str, int]]


FEW = MIN_BUYERS


async def names_of(desk: Desk) -> Mapping[UUID, str]:
    """Each merchant's name: partners see each other's."""
    return {one.id: one.name for one in await desk.shop.catalog.merchants()}


async def joint_views(desk: Desk, found: Sequence[Collaboration]) -> list[JointView]:
    """Joint offers in words."""
    names = await names_of(desk)
    products = list(dict.fromkeys(p for one in found for p in _products(one)))
    cards: dict[UUID, Card] = {}
    for start in range(0, len(products), 200):
        cards |= {card.product: card for card in await desk.shop.catalog.cards_of(products[start : start + 200])}
    return [_view(desk, one, names, cards) for one in found]


def _products(one: Collaboration) -> list[UUID]:
    return [side.product for side in (one.terms.first, one.terms.second) if side.product is not None]


def _view(desk: Desk, one: Collaboration, names: Mapping[UUID, str], cards: Mapping[UUID, Card]) -> JointView:
    terms, formats = one.terms, desk.visit.formats
    word, tone = STATES[one.state]

    def side(of: Side) -> SideView:
        goods = desk.say(say_later("all goods"))
        if of.product is not None:
            card = cards.get(of.product)
            goods = (pick(card.title, desk.visit.language) or "") if card else "–"
        share = formats.percent(of.basis_points)
        return SideView(names.get(of.merchant, "–"), goods, share, of.merchant in one.agreed)

    gives = " · ".join(formats.money(amount, currency) for currency, amount in terms.prices.items())
    return JointView(
        ident=encode(COLLABORATION, one.id),
        one=one,
        name=pick(terms.name, desk.visit.language) or "",
        kind=desk.say(KINDS[terms.kind]),
        state=desk.say(word),
        tone=tone,
        sides=(side(terms.first), side(terms.second)),
        market=formats.percent(terms.by_market) if terms.by_market else "",
        gives=gives or f"−{formats.percent(terms.basis_points)}",
        by=names.get(one.merchant, "–") if one.merchant else desk.say(MARKET),
        may=_may(desk, one),
    )


def _may(desk: Desk, one: Collaboration) -> frozenset[str]:
    mine, found = desk.merchant, set[str]()
    if mine is not None and mine in one.terms.merchants:
        if one.state is JointState.PROPOSED and mine not in one.agreed:
            found |= {"accept", "decline"}
    elif not desk.may("offers:write"):
        return frozenset()
    elif one.state is JointState.ACCEPTED:
        found |= {"approve", "refuse"}
    if one.state in (JointState.PROPOSED, JointState.ACCEPTED) and one.merchant == mine:
        found.add("withdraw")
    if one.state is JointState.PUBLISHED:
        found.add("end")
    return frozenset(found)


async def partner_views(desk: Desk, found: Sequence[PartnerProposal]) -> list[PartnerView]:
    """Proposals in words; two that are of the same two merchants are one, with what each of them says."""
    names, formats = await names_of(desk), desk.visit.formats
    slugs = {one.id: one.slug for one in await desk.shop.catalog.merchants()}
    words = {one.slug: pick(one.names, desk.visit.language) or one.slug for one in await desk.shop.catalog.categories()}
    together: dict[frozenset[UUID], list[PartnerProposal]] = {}
    for one in found:
        if one.merchant in names and one.partner in names:
            together.setdefault(frozenset({one.merchant, one.partner}), []).append(one)

    def known(one: PartnerProposal) -> KnownView:
        percent = formats.percent(one.known) if one.known is not None else ""
        return KnownView(names[one.merchant], names[one.partner], percent)

    def pair_view(pair: GoodsPair) -> PairView:
        times = formats.decimal(round(pair.lift, 1))
        return PairView(words.get(pair.mine, pair.mine), words.get(pair.theirs, pair.theirs), times, pair.carts)

    return [
        PartnerView(
            merchant=names[first.merchant],
            partner=names[first.partner],
            known=[known(one) for one in (first, *others)],
            pairs=[pair_view(pair) for pair in _once([first, *others])],
            query=f"first={slugs[first.merchant]}&partner={slugs[first.partner]}"
            f"&first_product={first.product}&second_product={first.partner_product}",
        )
        for first, *others in together.values()
    ]


def _once(proposals: Sequence[PartnerProposal]) -> list[GoodsPair]:
    """The pairs of goods, without those that the other merchant's proposal has the other way round."""
    found: dict[tuple[frozenset[str], float, int], GoodsPair] = {}
    for one in proposals:
        for pair in one.pairs:
            found.setdefault((frozenset({pair.mine, pair.theirs}), pair.lift, pair.carts), pair)
    return list(found.values())


async def fundings_of(desk: Desk, rows: Sequence[OrderRow]) -> list[FundingView]:
    """What joint offers took off an order, for those who share them and for the market's people."""
    applied = [
        one
        for one in rows[0].body.applied
        if len(payers := {part.funder for part in one.funding} - {None}) > 1 and desk.merchant in {None, *payers}
    ]
    if not applied:
        return []
    names, book = await names_of(desk), await desk.shop.books.at(rows[0].body.book)
    found: list[FundingView] = []
    for one in applied:
        offer = offer_of(book, one.offer)
        parts = [
            (names.get(part.funder, "–") if part.funder else desk.say(MARKET), part.amount) for part in one.funding
        ]
        name = (pick(offer.name, desk.visit.language) or "") if offer else ""
        found.append(FundingView(name, one.amount, rows[0].currency, parts))
    return found
