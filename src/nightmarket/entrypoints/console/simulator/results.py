"""What a simulation found, in words, figures and charts with their tables."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from nightmarket.entrypoints.console.charts import Chart, Series
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.simulating.runs import Report
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import minor_digits
from nightmarket.promotions.contract.simulations import MoneySums

CHARTED = 12
"""Rows of one chart."""


class MoneyView(msgspec.Struct, frozen=True):
    """One currency: what carts come to under both, and what is left of it where costs are known."""

    currency: str
    carts: int
    list_total: str
    before: str
    after: str
    change: str
    market: "PaidView"
    merchants: "PaidView"
    margin_before: str
    margin_after: str
    margin_change: str
    known: int
    """Per cent of the revenue on goods whose cost is known."""


class PaidView(msgspec.Struct, frozen=True):
    """What somebody pays of the discounts under both, and whether it becomes more."""

    before: str
    after: str
    change: str
    loses: bool


class OfferView(msgspec.Struct, frozen=True):
    """An offer: how many carts have it under both, of a hundred, and what it gives."""

    name: str
    carts_before: int
    carts_after: int
    rate: str
    before: str
    after: str


class MerchantView(msgspec.Struct, frozen=True):
    """A merchant's income under both, and the margin where its costs are known."""

    name: str
    before: str
    after: str
    change: str
    loses: bool
    margin_before: str
    margin_after: str
    margin_change: str
    below_cost: bool


class CartView(msgspec.Struct, frozen=True):
    """A cart that becomes dearer."""

    id: str
    before: str
    after: str
    change: str


class ResultView(msgspec.Struct, frozen=True):
    """All of a report as the page shows it."""

    sums: Sequence[MoneyView]
    offers: Sequence[OfferView]
    merchants: Sequence[MerchantView]
    carts: Sequence[CartView]
    charts: Sequence[Chart]


async def view(desk: Desk, kept: Report) -> ResultView:
    """The report in the reader's language."""
    report, money = kept.report, desk.visit.formats.money
    names = await merchant_names(desk)
    carts = {one.currency: one.carts for one in report.sums}
    offers = [
        OfferView(
            name=pick(one.name, desk.visit.language) or "–",
            carts_before=one.carts_before,
            carts_after=one.carts_after,
            rate=desk.visit.formats.percent(10_000 * one.carts_after // max(1, carts.get(one.currency, 0))),
            before=money(one.before, one.currency),
            after=money(one.after, one.currency),
        )
        for one in report.offers
    ]
    merchants = [
        MerchantView(
            name=names.get(one.merchant, desk.say(say_later("a merchant elsewhere"))),
            before=money(one.before, one.currency),
            after=money(one.after, one.currency),
            change=_signed(desk, one.change, one.currency),
            loses=one.change < 0,
            margin_before=_signed(desk, one.costed_before - one.cost, one.currency, "") if one.cost else "",
            margin_after=_signed(desk, one.costed_after - one.cost, one.currency, "") if one.cost else "",
            margin_change=_signed(desk, one.costed_after - one.costed_before, one.currency) if one.cost else "",
            below_cost=one.costed_after < one.cost,
        )
        for one in report.merchants
    ]
    dearest = [
        CartView(
            one.id,
            money(one.before, one.currency),
            money(one.after, one.currency),
            _signed(desk, one.after - one.before, one.currency),
        )
        for one in report.dearest
    ]
    charts = [chart for sums in report.sums[:2] for chart in _charts(desk, kept, sums, names)]
    return ResultView([_sums(desk, one) for one in report.sums], offers, merchants, dearest, charts)


def _sums(desk: Desk, one: MoneySums) -> MoneyView:
    money, code = desk.visit.formats.money, one.currency
    left_before, left_after = one.costed_before - one.cost, one.costed_after - one.cost
    return MoneyView(
        currency=code,
        carts=one.carts,
        list_total=money(one.list_total, code),
        before=money(one.before, code),
        after=money(one.after, code),
        change=_signed(desk, one.after - one.before, code),
        market=_paid(desk, one.market_before, one.market_after, code),
        merchants=_paid(desk, one.merchants_before, one.merchants_after, code),
        margin_before=_signed(desk, left_before, code, "") if one.cost else "",
        margin_after=_signed(desk, left_after, code, "") if one.cost else "",
        margin_change=_signed(desk, left_after - left_before, code) if one.cost else "",
        known=round(100 * one.costed_before / max(1, one.before)),
    )


def _paid(desk: Desk, before: int, after: int, code: str) -> PaidView:
    money = desk.visit.formats.money
    return PaidView(money(before, code), money(after, code), _signed(desk, after - before, code), after > before)


def _signed(desk: Desk, amount: int, currency: str, plus: str = "+") -> str:
    text = desk.visit.formats.money(abs(amount), currency)
    return f"{plus}{text}" if amount > 0 else f"−{text}" if amount < 0 else text


def _charts(desk: Desk, kept: Report, sums: MoneySums, names: Mapping[UUID, str]) -> list[Chart]:
    """What each offer gives under both, and who earns less."""
    code, money = sums.currency, desk.visit.formats.money
    report = kept.report

    def amounts(values: Sequence[int]) -> tuple[list[float], list[str]]:
        return [float(Decimal(one).scaleb(-minor_digits(code))) for one in values], [money(one, code) for one in values]

    uses = [one for one in report.offers if one.currency == code][:CHARTED]
    present, tried = desk.say(say_later("Present offers")), desk.say(say_later("With the draft"))
    found: list[Chart] = []
    if uses:
        top = uses[0]
        text = say_later("%(name)s gives most: %(amount)s in %(carts)s carts")
        found.append(
            Chart(
                f"offers-{code}",
                desk.say(
                    text,
                    name=pick(top.name, desk.visit.language) or "–",
                    amount=money(top.after, code),
                    carts=desk.visit.formats.number(top.carts_after),
                ),
                "rows",
                desk.say(say_later("Offer")),
                code,
                [pick(one.name, desk.visit.language) or "–" for one in uses],
                [
                    Series(present, *amounts([one.before for one in uses])),
                    Series(tried, *amounts([one.after for one in uses])),
                ],
            )
        )
    rows = [one for one in report.merchants if one.currency == code][:CHARTED]
    if rows:
        losing = sum(1 for one in rows if one.change < 0)
        title = desk.say(say_later("No merchant earns less"))
        if losing:
            title = desk.say(say_later("%(num)s of these merchants earn less"), num=losing)
        found.append(
            Chart(
                f"merchants-{code}",
                title,
                "rows",
                desk.say(say_later("Merchant")),
                code,
                [names.get(one.merchant, desk.say(say_later("a merchant elsewhere"))) for one in rows],
                [
                    Series(present, *amounts([one.before for one in rows])),
                    Series(tried, *amounts([one.after for one in rows])),
                ],
            )
        )
    return found
