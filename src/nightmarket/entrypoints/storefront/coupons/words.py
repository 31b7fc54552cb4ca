"""Coupons in a shopper's words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import AmountOff, FreeShipping, PercentOff
from nightmarket.promotions.contract.coupons import (
    COUPON,
    Coupon,
    CouponFigures,
    CouponPhase,
    HeldCoupon,
    HeldState,
    phase_of_coupon,
)

STATES = {
    HeldState.WAITING: (say_later("Not yet"), "warn"),
    HeldState.READY: (say_later("Ready"), "good"),
    HeldState.IN_ORDER: (say_later("In an order"), "warn"),
    HeldState.USED: (say_later("Used"), ""),
    HeldState.OVER: (say_later("Over"), ""),
}
DONE = {
    "have": say_later("The coupon is yours. It applies in your cart by itself."),
    "ahead": say_later("This coupon cannot be collected yet."),
    "closed": say_later("This coupon is not given any more."),
    "gone": say_later("All of these coupons are taken."),
    "not_yours": say_later("This coupon is for others."),
    "taken": say_later("This code was taken by somebody else."),
    "code": say_later("This coupon needs its code."),
    "won": say_later("This coupon is won; nobody can press for it."),
    "unknown": say_later("No coupon has this code. Look at its letters and try again."),
}
GOOD = "have"


class CouponView(msgspec.Struct, frozen=True):
    """A coupon as it is shown."""

    ident: str
    name: str
    gives: str
    terms: Sequence[str]
    collect_from: datetime
    collect_until: datetime
    use_from: datetime
    use_until: datetime
    phase: CouponPhase
    left: int
    mine: bool = False
    state: str = ""
    tone: str = ""
    here: bool = True
    uses_left: int = 0


def gives_words(visit: Visit, coupon: Coupon) -> str:
    """What it takes off, in short; empty where its name has to say it."""
    money, effect = visit.formats.money, coupon.terms.effect
    match effect:
        case PercentOff():
            return visit.say("%(percent)s off", percent=visit.formats.percent(effect.basis_points))
        case AmountOff():
            amounts = " / ".join(money(amount, currency) for currency, amount in sorted(effect.amounts.items()))
            return visit.say("%(amount)s off", amount=amounts)
        case FreeShipping():
            return visit.say("Free delivery")
        case _:
            return ""


def terms_words(visit: Visit, coupon: Coupon, stalls: Mapping[object, str]) -> list[str]:
    """What must hold besides, a line each."""
    terms, money = coupon.terms, visit.formats.money
    least = [money(amount, currency) for currency, amount in sorted(terms.condition.at_least.items())]
    most = [money(amount, currency) for currency, amount in sorted(terms.most.items())]
    found: list[str] = []
    if least:
        found.append(visit.say("from %(amount)s on", amount=" / ".join(least)))
    if most:
        found.append(visit.say("at most %(amount)s off", amount=" / ".join(most)))
    named = [stalls[one] for one in (*terms.condition.merchants, terms.merchant) if one in stalls]
    if named:
        found.append(visit.say("on goods of %(names)s", names=", ".join(dict.fromkeys(named))))
    if terms.condition.products or terms.condition.variants or terms.condition.categories or terms.condition.brands:
        found.append(visit.say("on some goods only"))
    if terms.uses > 1:
        found.append(visit.say("for up to %(number)s orders", number=terms.uses))
    return found


def coupon_view(
    visit: Visit,
    coupon: Coupon,
    stalls: Mapping[object, str],
    now: datetime,
    *,
    figures: CouponFigures | None = None,
    held: HeldCoupon | None = None,
) -> CouponView:
    terms = coupon.terms
    words, tone = STATES[held.state] if held else ("", "")
    return CouponView(
        ident=encode(COUPON, coupon.id),
        name=pick(terms.name, visit.language) or "",
        gives=gives_words(visit, coupon),
        terms=terms_words(visit, coupon, stalls),
        collect_from=terms.collect_from,
        collect_until=terms.collect_until,
        use_from=terms.use_from,
        use_until=terms.use_until,
        phase=phase_of_coupon(coupon, now),
        left=max(0, figures.quota - figures.held) if figures else 0,
        mine=held is not None,
        state=visit.say(words) if words else "",
        tone=tone,
        here=held is None or held.here,
        uses_left=held.left if held else 0,
    )
