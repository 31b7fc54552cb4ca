"""The forms of coupons and booklets, read into what promotions make."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.offers.fields import Fields
from nightmarket.entrypoints.console.offers.form import read_condition
from nightmarket.entrypoints.console.offers.gives import read_effect
from nightmarket.entrypoints.console.offers.goods import GoodsReader
from nightmarket.entrypoints.console.reading import currency_of, instant, names, whole
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.booklets import MAX_STAMPS, BookletTerms, Reward, Stamp, StampAct
from nightmarket.promotions.contract.coupons import COUPON, CouponTerms, CouponWay, NewCoupon, plain_coupon_code

WAYS = {
    CouponWay.OPEN: say_later("anybody, by pressing"),
    CouponWay.SHARED: say_later("anybody who knows one shared code"),
    CouponWay.CODES: say_later("whoever has one of many single codes"),
    CouponWay.SENT: say_later("only people with these addresses"),
    CouponWay.WON: say_later("nobody presses: a booklet gives it"),
}
NO_ADDRESS = say_later("Write one e-mail address on each line.")
NO_MERCHANT = say_later("There is no merchant with this short name.")
NO_PLACE = say_later("There is no place with this short name.")
NO_REWARD = say_later("Write the number of stamps and the coupon, one pair each line.")

REFUSED = (
    say_later("Give the coupon a name in English."),
    say_later("Collecting ends after it begins."),
    say_later("The end of collecting lies in the past."),
    say_later("A coupon ends after it begins to hold."),
    say_later("A coupon holds at least until the end of collecting."),
    say_later("A coupon is over within 400 days."),
    say_later("Between 1 and 1000000 people can have a coupon."),
    say_later("At most 20000 codes are made at once; make another coupon for more."),
    say_later("Each person uses it for 1 to 100 orders."),
    say_later("Name 1 to 20000 addresses that it is for."),
    say_later("A code has 3 to 32 letters A to Z, digits and dashes."),
    say_later("Another coupon has this code; choose another word."),
    say_later("Give the booklet a name in English."),
    say_later("The booklet closes after it opens."),
    say_later("A booklet is over within 400 days."),
    say_later("A booklet has 1 to 40 stamps."),
    say_later("Say in up to 60 letters whose stamp it is."),
    say_later("Say from which merchant one has to buy."),
    say_later("Say at which place one has to be, by its short name."),
    say_later("A booklet turns into 1 to 10 coupons."),
    say_later("Each coupon is given once."),
    say_later("A coupon takes at least one stamp, and not more than there are."),
    say_later("Choose a coupon that is won and has not ended."),
    say_later("The coupon must be given for as long as the booklet is stamped."),
)
"""What promotions refuse, in their words, so that they are translated."""


async def read_coupon(desk: Desk, form: Form, id: UUID) -> NewCoupon | None:
    """The coupon that the form describes; None, with the errors noted, if it cannot be one. A merchant's people make
    their own merchant's; who belongs to which group of shoppers is the market's to use."""
    if desk.merchant is not None:
        form.values.pop("segments", None)
    fields, goods = Fields(desk, form, currency_of(form)), await GoodsReader.of(desk, form)
    form.values.pop("needs", None)
    way = next((one for one in CouponWay if one.value == form.get("way")), CouponWay.OPEN)
    effect, condition = await read_effect(fields, goods), await read_condition(desk, fields, goods)
    times = _times(desk, form, ("collect_from", "collect_until", "use_from", "use_until"))
    addresses = _addresses(desk, form) if way is CouponWay.SENT else []
    quota = len(addresses) if way is CouponWay.SENT else whole(desk, form, "quota")
    budget, most = dict(fields.amounts("budget")), dict(fields.amounts("most"))
    uses = whole(desk, form, "uses")
    if form.errors or times is None:
        return None
    terms = CouponTerms(
        name=names(form, "name"),
        way=way,
        effect=effect,
        collect_from=times["collect_from"],
        collect_until=times["collect_until"],
        use_from=times["use_from"],
        use_until=times["use_until"],
        quota=quota,
        uses=uses,
        merchant=desk.merchant,
        condition=condition,
        word=plain_coupon_code(form.get("word")) if way is CouponWay.SHARED else "",
        budget=budget,
        most=most,
    )
    keys = [desk.shop.identities.key_of(address) for address in addresses]
    return NewCoupon(id, terms, tuple(dict.fromkeys(keys)))


def _times(desk: Desk, form: Form, fields: tuple[str, ...]) -> Mapping[str, datetime] | None:
    found = {name: instant(desk, form, name) for name in fields}
    known = {name: at for name, at in found.items() if at is not None}
    return known if len(known) == len(fields) else None


def _addresses(desk: Desk, form: Form) -> list[str]:
    lines = [line.strip() for line in form.get("addresses").splitlines() if line.strip()]
    if not lines or any(line.count("@") != 1 or len(line) > 254 or " " in line for line in lines):
        form.wrong("addresses", desk.say(NO_ADDRESS))
        return []
    return list(dict.fromkeys(line.casefold() for line in lines))


async def read_booklet(desk: Desk, form: Form) -> BookletTerms | None:
    """The booklet that the form describes. Stamps are lines such as `visit Lumen /brands/lumen` and `buy
    lantern-kitchen Lantern Kitchen`, rewards such as `3 cpn_...`."""
    times = _times(desk, form, ("opens_at", "closes_at"))
    merchants = {one.slug: one.id for one in await desk.shop.catalog.merchants()}
    async with desk.shop.database.read() as connection:
        places = {one.terms.slug for one in await desk.shop.places.all(connection) if one.closed_at is None}
    stamps: list[Stamp] = []
    for number in range(1, MAX_STAMPS + 1):
        label, act = form.get(f"stamp{number}_label"), form.get(f"stamp{number}_act", StampAct.VISIT.value)
        where = form.get(f"stamp{number}_where")
        if not label and not where:
            continue
        if act == StampAct.BUY.value:
            merchant = merchants.get(where.rpartition("/")[2])
            if merchant is None:
                form.wrong(f"stamp{number}_where", desk.say(NO_MERCHANT))
            stamps.append(Stamp(f"s{number}", label, StampAct.BUY, merchant=merchant))
        elif act == StampAct.PLACE.value:
            if where not in places:
                form.wrong(f"stamp{number}_where", desk.say(NO_PLACE))
            stamps.append(Stamp(f"s{number}", label, StampAct.PLACE, place=where))
        else:
            stamps.append(Stamp(f"s{number}", label, StampAct.VISIT, where))
    rewards = _rewards(desk, form)
    if form.errors or times is None:
        return None
    return BookletTerms(names(form, "name"), times["opens_at"], times["closes_at"], tuple(stamps), tuple(rewards))


def _rewards(desk: Desk, form: Form) -> list[Reward]:
    found: list[Reward] = []
    for number in (1, 2, 3):
        stamps, coupon = form.get(f"reward{number}_stamps"), form.get(f"reward{number}_coupon")
        if not stamps and (not coupon or number > 1):
            continue
        try:
            found.append(Reward(whole(desk, form, f"reward{number}_stamps"), decode(COUPON, coupon)))
        except InvalidInput:
            form.wrong(f"reward{number}_stamps", desk.say(NO_REWARD))
    return found
