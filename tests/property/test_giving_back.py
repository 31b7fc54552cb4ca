"""Orders that come to less after they were paid from cards and wallets: what goes back sums up, to the cent."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nightmarket.orders.model.giving_back import lessened, sale_given_back
from nightmarket.orders.model.order import OrderBody, OrderLine, OrderRow, OrderShipping, OrderState, sale_of
from nightmarket.orders.model.session import Contact, Destination
from nightmarket.payments.contract import Account, refund_part, sale_paid, sale_placed, sale_refunded
from nightmarket.payments.contract.wallets import Payable, PurseLot, Spent, spend, spent_by_lot
from nightmarket.payments.model import balances
from nightmarket.promotions.contract import Applied, Share

from .price_strategies import NOW

ORDER = UUID(int=31)
MERCHANTS = [UUID(int=number) for number in (21, 22)]
OFFERS = {UUID(int=41): None, UUID(int=42): MERCHANTS[0], UUID(int=43): MERCHANTS[1]}
BRANDS = "ab"
goods = st.sampled_from([(), ("a",)])


@dataclass
class Sold:
    """A paid order and what each lot paid with."""

    rows: list[OrderRow]
    lots: list[PurseLot]
    brands: dict[str, str]

    @property
    def wallet(self) -> tuple[Spent, ...]:
        return self.rows[0].body.wallet

    @property
    def total(self) -> int:
        return sum(row.total for row in self.rows)


@st.composite
def orders(draw: st.DrawFn) -> Sold:
    """One or two merchants' lines, each with an offer or none, and lots for everything or for one brand alone."""
    lines: dict[UUID, list[OrderLine]] = {}
    brands: dict[str, str] = {}
    for number in range(draw(st.integers(1, 4))):
        merchant, price = draw(st.sampled_from(MERCHANTS)), draw(st.integers(1, 400))
        off = draw(st.integers(0, price))
        shares = tuple(Share(offer, off) for offer in [draw(st.sampled_from(sorted(OFFERS)))] if off)
        id_, sku = f"l{number}", UUID(int=100 + number)
        brands[id_] = draw(st.sampled_from(BRANDS))
        line = OrderLine(id_, sku, sku, "S", "T", None, 1, price, shares, price - off)
        lines.setdefault(merchant, []).append(line)
    applied = tuple(
        Applied(offer, 1, sum(share.amount for share in found), OFFERS[offer])
        for offer in sorted(OFFERS)
        if (found := [share for some in lines.values() for one in some for share in one.shares if share.offer == offer])
    )
    sent = {merchant: draw(st.integers(0, 50)) for merchant in sorted(lines)}
    lots = [
        PurseLot(
            UUID(int=61 + n), NOW - timedelta(1), NOW + timedelta(1 + n), brands=draw(st.sampled_from([(), ("a",)]))
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    items = [
        Payable(merchant, one.total, brand=brands[one.id], line=one.id)
        for merchant, some in lines.items()
        for one in some
        if one.total
    ]
    items += [Payable(merchant, amount, is_goods=False) for merchant, amount in sent.items() if amount]
    wallet = spend(lots, {lot.id: draw(st.integers(0, 500)) for lot in lots}, items, NOW)
    rows = [
        OrderRow(
            ORDER,
            merchant,
            ORDER,
            OrderState.PAID,
            0,
            "x",
            "EUR",
            sum(one.total for one in lines[merchant]) + amount,
            NOW,
            None,
            OrderBody(
                tuple(lines[merchant]),
                OrderShipping("standard", "", amount, (), amount),
                Contact("a@example.org"),
                Destination("DE", "Lampengasse 11", "Nachtstadt"),
                "en",
                (),
                applied,
                1,
                wallet=wallet,
            ),
        )
        for merchant, amount in sent.items()
    ]
    return Sold(rows, lots, brands)


@given(orders(), st.lists(st.tuples(st.sampled_from(sorted(OFFERS)), st.integers(0, 300)), max_size=6))
def test_card_and_wallet_get_back_what_they_paid(sold: Sold, wanted: list[tuple[UUID, int]]) -> None:
    """However often an order comes to less: card and lots together get the difference exactly, in proportion to what
    each paid of the line, the card never less than that; no lot gets more than it paid nor pays for what it may not;
    every posting balances, and cancelling the rest leaves nothing on any account."""
    paid_by_lot, paid_by_card = spent_by_lot(sold.wallet), sold.total - sum(one.amount for one in sold.wallet)
    sale = sale_of(ORDER, ORDER, sold.rows)
    postings = [sale_placed(sale, NOW), sale_paid(sale, NOW)]
    back_to_lots, kept = dict.fromkeys(paid_by_lot, 0), paid_by_card
    may = {lot.id: lot for lot in sold.lots}
    for turn, (offer, most) in enumerate(wanted, start=1):
        less = lessened(sold.rows, offer, most, kept)
        if less is None:
            continue
        posting = refund_part(sale_given_back(sold.rows, less), UUID(int=turn), NOW)
        assert sum(leg.amount for leg in posting.legs) == 0
        postings.append(posting)
        [before] = [
            (line, sum(one.amount for one in sold.wallet if one.line == line.id))
            for row, new in zip(sold.rows, less.rows, strict=True)
            for line, after in zip(row.body.lines, new.body.lines, strict=True)
            if line != after
        ]
        line, by_wallet = before
        assert 0 < less.amount <= most
        assert 0 <= less.to_card * line.total - less.amount * (line.total - by_wallet) < line.total
        assert less.amount == sold.total - sum(row.total for row in less.rows)
        kept -= less.to_card
        for lot, amount in less.to_lots:
            back_to_lots[lot] += amount
        sold.rows = list(less.rows)
        assert kept == sold.total - sum(one.amount for one in sold.wallet) >= 0
        for one in (line for row in sold.rows for line in row.body.lines):
            shares = [spent for spent in sold.wallet if spent.line == one.id]
            assert sum(spent.amount for spent in shares) <= one.total
            assert all(not may[spent.lot].brands or sold.brands[one.id] == "a" for spent in shares)
    left = spent_by_lot(sold.wallet)
    assert left.keys() == paid_by_lot.keys()
    assert all(0 <= left[lot] == paid_by_lot[lot] - back_to_lots[lot] for lot in left)
    postings.append(sale_refunded(sale_of(ORDER, ORDER, sold.rows), NOW))
    assert balances(postings) == {}


def test_a_line_paid_by_half_goes_back_by_half() -> None:
    """Of 9.99 the wallet paid 5.00. When 3.33 go back, the wallet gets 1.66, rounded down, and the card 1.67; what the
    card paid of another line stays there."""
    lot, offer = UUID(int=61), UUID(int=42)
    lines = (
        OrderLine("one", lot, lot, "S", "T", None, 1, 1_000, (Share(offer, 1),), 999),
        OrderLine("two", lot, lot, "S", "T", None, 1, 700, (), 700),
    )
    wallet = (Spent(lot, MERCHANTS[0], 500, "one"),)
    applied = (Applied(offer, 1, 1, MERCHANTS[0]),)
    home = Destination("DE", "Lampengasse 11", "Nachtstadt")
    body = OrderBody(lines, None, Contact("a@example.org"), home, "en", (), applied, 1, wallet=wallet)
    row = OrderRow(ORDER, MERCHANTS[0], ORDER, OrderState.PAID, 0, "x", "EUR", 1_699, NOW, None, body)
    less = lessened([row], offer, 333, 1_199)
    assert less is not None
    assert (less.amount, less.to_card, less.to_lots) == (333, 167, ((lot, 166),))
    assert less.rows[0].body.wallet == (replace(wallet[0], amount=334),)
    legs = {leg.account: leg.amount for leg in refund_part(sale_given_back([row], less), ORDER, NOW).legs}
    assert legs == {Account.MERCHANT: 333, Account.PROVIDER: -167, Account.WALLET: -166}
