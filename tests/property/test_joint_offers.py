"""Offers that two merchants share: whatever is sold and returned, shares sum, funders' parts sum, and so does the
journal."""

from datetime import datetime
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmarket.kernel.money import allocate
from nightmarket.orders.model.giving_back import given_back
from nightmarket.orders.model.order import (
    OrderBody,
    OrderLine,
    OrderRow,
    OrderShipping,
    OrderState,
    operators_part,
    sale_of,
)
from nightmarket.orders.model.session import Contact, Destination
from nightmarket.payments.contract import (
    Account,
    Sale,
    SalePart,
    amount_to_pay,
    refund_part,
    sale_paid,
    sale_placed,
    sale_refunded,
    sale_withdrawn,
)
from nightmarket.payments.model import balances
from nightmarket.promotions.contract import (
    Book,
    Bundle,
    Companion,
    Condition,
    Funding,
    Goods,
    Offer,
    Part,
    PercentOff,
    PriceCart,
    PriceLine,
    Quote,
    Share,
    ShippingLine,
    Shopper,
    price,
)
from nightmarket.promotions.model.refunds import Sold, refund
from nightmarket.promotions.model.rules import flaws

from .price_strategies import DAY, NOW

ONE, OTHER, THIRD = (UUID(int=number) for number in (21, 22, 23))
ORDER, CLAIM = UUID(int=31), UUID(int=32)
AT: datetime = NOW


@st.composite
def fundings(draw: st.DrawFn) -> tuple[Funding, ...]:
    """Two merchants share, often the market too."""
    one = draw(st.integers(1, 9_998))
    other = draw(st.integers(1, 9_999 - one))
    rest = 10_000 - one - other
    if not draw(st.booleans()):
        return (Funding(ONE, one), Funding(OTHER, 10_000 - one))
    return (Funding(ONE, one), Funding(OTHER, other), Funding(None, rest))


@st.composite
def joint_offers(draw: st.DrawFn) -> Offer:
    """A bundle of a good of each, or a percentage on goods of one merchant for who buys from the other."""
    mine, theirs = Goods(merchants=frozenset({ONE})), Goods(merchants=frozenset({OTHER}))
    bundle = draw(st.booleans())
    price_ = draw(st.integers(1, 20_000))
    effect = Bundle((Part(mine), Part(theirs)), {"EUR": price_}) if bundle else PercentOff(draw(st.integers(1, 10_000)))
    condition = Condition() if bundle else Condition(merchants=frozenset({OTHER}), alongside=(Companion(mine),))
    return Offer(
        id=UUID(int=draw(st.integers(100, 999))),
        revision=1,
        name={"en": "Together"},
        effect=effect,
        starts_at=NOW - DAY,
        ends_at=NOW + DAY,
        condition=condition,
        funder=ONE,
        funding=draw(fundings()),
    )


@st.composite
def other_offers(draw: st.DrawFn) -> Offer:
    return Offer(
        id=UUID(int=draw(st.integers(1_000, 1_999))),
        revision=1,
        name={"en": "Plain"},
        effect=PercentOff(draw(st.integers(1, 5_000))),
        starts_at=NOW - DAY,
        ends_at=NOW + DAY,
        funder=draw(st.sampled_from([None, ONE, OTHER])),
    )


@st.composite
def carts(draw: st.DrawFn) -> PriceCart:
    merchants = draw(st.lists(st.sampled_from([ONE, OTHER, THIRD]), min_size=1, max_size=4))
    lines = [
        PriceLine(f"l{n}", UUID(int=n + 1), UUID(int=n + 1), merchant, "", "", draw(st.integers(1, 3)), amount)
        for n, merchant in enumerate(merchants)
        for amount in [draw(st.integers(0, 30_000))]
    ]
    sent = [ShippingLine(one, "standard", draw(st.integers(0, 900))) for one in sorted(set(merchants))]
    return PriceCart("EUR", tuple(lines), tuple(sent))


books = st.tuples(joint_offers(), st.lists(other_offers(), max_size=2, unique_by=lambda one: one.id)).map(
    lambda pair: Book(1, (pair[0], *pair[1]))
)


def _rows(quote: Quote) -> list[OrderRow]:
    """The order of that price, a row per merchant."""
    rows: list[OrderRow] = []
    for merchant in sorted({line.merchant for line in quote.lines}):
        lines = tuple(
            OrderLine(
                one.id, one.variant, one.variant, "S", "T", None, one.quantity, one.unit_price, one.shares, one.total
            )
            for one in quote.lines
            if one.merchant == merchant
        )
        sent = next(one for one in quote.shipping if one.merchant == merchant)
        shipping = OrderShipping(sent.option, "", sent.amount, sent.shares, sent.total)
        body = OrderBody(
            lines,
            shipping,
            Contact("a@example.org"),
            Destination("DE", "Lampengasse 11", "Nachtstadt"),
            "en",
            (),
            quote.applied,
            1,
        )
        total = sum(one.total for one in lines) + sent.total
        rows.append(OrderRow(ORDER, merchant, ORDER, OrderState.PAID, 0, "x", "EUR", total, AT, None, body))
    return rows


def _parts_of(quote: Quote, paid: int) -> dict[UUID, SalePart]:
    """The merchants' parts of a price for which the buyer's money comes to `paid` minor units, the price at most: where
    it is less, since a return lost a discount that was worth more than what came back, all lack of it by what the buyer
    pays of their parts."""
    parts = _priced(quote)
    missing = quote.total - paid
    if not missing:
        return parts
    merchants = sorted(parts)
    lacks = allocate(missing, [parts[one].gross - parts[one].by_operator for one in merchants])
    change = msgspec.structs.replace
    return {one: change(parts[one], gross=parts[one].gross - lack) for one, lack in zip(merchants, lacks, strict=True)}


def _priced(quote: Quote) -> dict[UUID, SalePart]:
    totals: dict[UUID, int] = {}
    shares: dict[UUID, list[Share]] = {}
    for row in (*quote.lines, *quote.shipping):
        totals[row.merchant] = totals.get(row.merchant, 0) + row.total
        shares.setdefault(row.merchant, []).extend(row.shares)
    applied = {one.offer: one for one in quote.applied}
    found: dict[UUID, SalePart] = {}
    for merchant, total in totals.items():
        operators = between = 0
        for share in shares[merchant]:
            market = operators_part(share.amount, applied[share.offer])
            operators += market
            between += share.amount - market if applied[share.offer].funding else 0
        between -= sum(part.amount for one in quote.applied for part in one.funding if part.funder == merchant)
        found[merchant] = SalePart(merchant, total + operators, operators, between)
    return found


@settings(max_examples=200)
@given(carts(), books)
def test_what_merchants_owe_each_other_sums_to_nothing(cart: PriceCart, book: Book) -> None:
    """Such an offer could be published; its funders' parts come to what it takes off; each bears, all told, exactly its
    own part; every posting balances, and withdrawing or refunding leaves nothing anywhere."""
    assert flaws(book.offers[0]) == []
    quote = price(cart, book, Shopper(), NOW)
    sale = sale_of(ORDER, CLAIM, _rows(quote))
    assert amount_to_pay(sale) == quote.total
    assert sum(part.between for part in sale.parts) == 0
    for item in quote.applied:
        assert not item.funding or sum(part.amount for part in item.funding) == item.amount
    listed = dict.fromkeys((ONE, OTHER, THIRD), 0)
    for row in (*cart.lines, *cart.shipping):
        listed[row.merchant] += row.amount if isinstance(row, ShippingLine) else row.quantity * row.unit_price
    for part in sale.parts:
        borne = sum(one.amount for one in quote.applied if not one.funding and one.funder == part.merchant)
        borne += sum(one.amount for item in quote.applied for one in item.funding if one.funder == part.merchant)
        assert part.gross + part.between == listed[part.merchant] - borne
    placed, paid = sale_placed(sale, AT), sale_paid(sale, AT)
    assert balances([placed, sale_withdrawn(sale, AT)]) == {}
    assert balances([placed, paid, sale_refunded(sale, AT)]) == {}
    assert sum(leg.amount for leg in placed.legs if leg.account == Account.SHARING) == 0
    assert _parts_of(quote, quote.total) == {part.merchant: part for part in sale.parts}


@settings(max_examples=200)
@given(carts(), books, st.data())
def test_returns_take_each_share_back(cart: PriceCart, book: Book, data: st.DataObject) -> None:
    """Whatever is returned in whatever portions, each posting balances and gives the buyer exactly the refund; what is
    left of the merchants' parts is what the rest costs, and in the end nothing is left on any account."""
    quote = price(cart, book, Shopper(), NOW)
    sold = Sold(quote, cart, book, Shopper(), NOW)
    sale = sale_of(ORDER, CLAIM, _rows(quote))
    postings = [sale_placed(sale, AT), sale_paid(sale, AT)]
    left = {line.id: line.quantity for line in quote.lines}
    gone: dict[str, int] = {}
    money, standing = quote.total, _parts_of(quote, quote.total)
    for turn in range(8):
        portion = {id: data.draw(st.integers(0, most)) for id, most in left.items() if most}
        if turn == 7 or not any(portion.values()):
            portion = {id: most for id, most in left.items() if most}
        if not portion:
            break
        back = refund(sold, portion, gone, quote.total - money)
        money -= back.amount
        after = _parts_of(back.rest, money)
        parts = given_back(standing, after)
        posting = refund_part(Sale(ORDER, CLAIM, "EUR", parts), UUID(int=turn + 1), AT)
        assert sum(part.gross - part.by_operator for part in parts) == back.amount
        assert sum(leg.amount for leg in posting.legs) == 0
        postings.append(posting)
        standing = after
        assert all(0 <= part.by_operator <= part.gross for part in standing.values())
        gone = {id: gone.get(id, 0) + portion.get(id, 0) for id in left}
        left = {id: number - portion.get(id, 0) for id, number in left.items()}
    assert balances(postings) == {}


def test_a_returned_half_gives_the_other_its_price_back() -> None:
    """The tent at 100.00 and the stove at 50.00 go for 120.00 together, half of it each: 10.00 of the tent's 20.00 and
    5.00 of the stove's 10.00 are the other's. When the stove goes back, the tent costs 100.00 again: 20.00 come back,
    the tent's merchant has its whole price, and nobody owes the other anything."""
    tent = PriceLine("tent", UUID(int=1), UUID(int=1), ONE, "", "", 1, 10_000)
    stove = PriceLine("stove", UUID(int=2), UUID(int=2), OTHER, "", "", 1, 5_000)
    mine, theirs = Goods(merchants=frozenset({ONE})), Goods(merchants=frozenset({OTHER}))
    deal = Offer(
        id=UUID(int=9),
        revision=1,
        name={"en": "Camp"},
        effect=Bundle((Part(mine), Part(theirs)), {"EUR": 12_000}),
        starts_at=NOW - DAY,
        ends_at=NOW + DAY,
        funder=ONE,
        funding=(Funding(ONE, 5_000), Funding(OTHER, 5_000)),
    )
    cart, book = PriceCart("EUR", (tent, stove)), Book(1, (deal,))
    quote = price(cart, book, Shopper(), NOW)
    before = _parts_of(quote, quote.total)
    assert (before[ONE].gross, before[ONE].between) == (8_000, 500)
    assert (before[OTHER].gross, before[OTHER].between) == (4_000, -500)
    back = refund(Sold(quote, cart, book, Shopper(), NOW), {"stove": 1})
    after = _parts_of(back.rest, quote.total - back.amount)
    assert back.amount == 2_000
    assert [(one.merchant, one.gross, one.between) for one in given_back(before, after)] == [
        (ONE, -2_000, 500),
        (OTHER, 4_000, -500),
    ]
    assert after[ONE] == msgspec.structs.replace(before[ONE], gross=10_000, between=0)
