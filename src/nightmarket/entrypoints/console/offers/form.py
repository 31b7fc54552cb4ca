"""The form of an offer, read into what promotions publish."""

from uuid import UUID

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import instant, names
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract import OPERATOR, BuyerCap, Companion, Condition, Funding, Offer
from nightmarket.promotions.errors import CodeTaken, OfferRefused, UsesTaken

from .fields import Fields
from .gives import read_effect
from .goods import GoodsReader

MARKET = "market"
"""How the operator is written among funders."""

FIELDS = {
    "name": "name_en",
    "code": "code",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "effect.basis_points": "percent",
    "effect.amounts": "amount",
    "effect.prices": "amount",
    "effect.minus": "amount",
    "effect.every": "threshold",
    "effect.pieces": "pieces",
    "effect.times": "times",
    "effect.buy": "count",
    "effect.get": "get",
    "effect.goods": "effect_goods",
    "effect.variants": "effect_goods",
    "effect.parts": "parts",
    "effect.steps": "steps",
    "effect.up_to": "amount",
    "condition.at_least": "minimum",
    "condition.categories": "category",
    "condition.merchants": "merchant",
    "condition.excluded": "excluded",
    "condition.alongside": "alongside",
    "condition.hours": "hours",
    "condition.least_units": "least_units",
    "max_uses": "max_uses",
    "budget": "budget",
    "most": "most",
    "not_with": "not_with",
    "exclusive": "exclusive",
    "funding": "funding",
    "per_buyer": "buyer_uses",
    "per_buyer.uses": "buyer_uses",
    "per_buyer.units": "buyer_units",
    "effect.units": "limit",
}
"""Where a flaw that promotions name is shown."""


async def read_offer(desk: Desk, form: Form, id: UUID) -> Offer | None:
    """The offer that the form describes; None, with the errors noted, if it cannot be one."""
    currency = form.get("currency", "EUR")
    fields, goods = Fields(desk, form, currency), await GoodsReader.of(desk, form)
    name = names(form, "name")
    if "en" not in name:
        form.wrong("name_en", desk.say(say_later("Give the offer a name in English.")))
    effect = await read_effect(fields, goods)
    starts_at, ends_at = instant(desk, form, "starts_at"), instant(desk, form, "ends_at")
    if ends_at is not None and ends_at <= desk.now:
        form.wrong("ends_at", desk.say(say_later("The end lies in the past.")))
    condition = await read_condition(desk, fields, goods)
    cap = BuyerCap(fields.whole("buyer_uses"), fields.whole("buyer_units"))
    funder = _merchant(desk, form, "funder")
    offer = Offer(
        id=id,
        revision=1,
        name=name,
        effect=effect,
        starts_at=starts_at or desk.now,
        ends_at=ends_at or desk.now,
        condition=condition,
        funder=funder,
        code=form.get("code") or None,
        exclusive=form.get("exclusive") or None,
        max_uses=fields.whole("max_uses"),
        per_buyer=None if cap == BuyerCap() else cap,
        budget=dict(fields.amounts("budget")),
        most=dict(fields.amounts("most")),
        compulsory=bool(form.get("compulsory")),
        combines=_combines(fields, goods),
        not_with=_offers(fields),
        funding=_funding(fields, goods),
    )
    return None if form.errors else offer


def note_refusal(desk: Desk, form: Form, problem: Problem) -> None:
    """Show what promotions refused beside the field that it is about."""
    match problem:
        case OfferRefused():
            for flaw in problem.fields.get("flaws", ()):
                form.wrong(_place(str(flaw["field"])), desk.say(str(flaw["detail"])))
            if not problem.fields.get("flaws"):
                form.wrong(_place((problem.field or "name").removeprefix("offers.")), desk.say(problem.detail))
        case CodeTaken():
            form.wrong("code", desk.say(problem.detail))
        case UsesTaken():
            form.wrong(problem.field or "max_uses", desk.say(problem.detail))
        case _:
            form.wrong("name_en", desk.say(problem.detail))


def _place(field: str) -> str:
    """The form's field for a flaw's: the longest of its beginnings that the form knows."""
    parts = field.split("[", maxsplit=1)[0].split(".")
    while parts:
        if found := FIELDS.get(".".join(parts)):
            return found
        parts.pop()
    return "name_en"


async def read_condition(desk: Desk, fields: Fields, goods: GoodsReader) -> Condition:
    """Which goods and carts it is for, and whom; what cannot be read is noted."""
    form = fields.form
    merchant, category = _merchant(desk, form, "merchant"), form.get("category")
    wanted = await goods.read("goods")
    products, variants = await _chosen(desk, form, merchant)
    alongside = tuple(Companion(some, units) for units, some in await goods.counted("alongside"))
    return Condition(
        merchants=wanted.merchants | {one for one in (merchant,) if one},
        products=wanted.products | products,
        variants=wanted.variants | variants,
        categories=wanted.categories | {one for one in (category,) if one},
        brands=wanted.brands,
        regions=frozenset(word.upper() for word in fields.words("regions")),
        segments=fields.words("segments"),
        at_least=dict(fields.amounts("minimum")),
        places=fields.words("places"),
        languages=fields.words("languages"),
        channels=fields.words("channels"),
        needs=fields.words("needs"),
        first_order=bool(form.get("first_order")),
        least_units=fields.whole("least_units") or 0,
        hours=fields.hours("hours", desk.shop.settings.zone.key),
        excluded=await goods.read("excluded"),
        alongside=alongside,
    )


async def _chosen(desk: Desk, form: Form, merchant: UUID | None) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """The product and the variant that the form names; what is not there is noted."""
    products: set[UUID] = set()
    variants: set[UUID] = set()
    slug, sku = form.get("product"), form.get("sku")
    if slug:
        product = await desk.shop.catalog.product(slug.rpartition("/")[2])
        if product is None:
            form.wrong("product", desk.say(say_later("There is no such product; copy the address of its page.")))
        else:
            products.add(product.id)
    if sku:
        merchants = {one.id: one for one in await desk.shop.catalog.merchants()}
        seller = merchants.get(merchant) if merchant else None
        found = await desk.shop.catalog.find(seller.slug, sku) if seller else None
        if found is None:
            text = say_later("Choose the merchant, and write the SKU as it stands in their goods.")
            form.wrong("sku", desk.say(text))
        else:
            variants.add(found)
    return frozenset(products), frozenset(variants)


def _merchant(desk: Desk, form: Form, name: str) -> UUID | None:
    text = form.get(name)
    if not text:
        return None
    try:
        return decode("mer", text)
    except InvalidInput:
        form.wrong(name, desk.say(say_later("Choose one of the list.")))
        return None


def _payer(fields: Fields, goods: GoodsReader, name: str, word: str) -> UUID:
    if word == MARKET:
        return OPERATOR
    merchant = goods.merchant(word)
    if merchant is None:
        fields.wrong(name, say_later("Write “market” or the short name of a merchant."))
    return merchant or OPERATOR


def _combines(fields: Fields, goods: GoodsReader) -> frozenset[UUID] | None:
    words = fields.words("combines")
    return frozenset(_payer(fields, goods, "combines", word) for word in words) if words else None


def _offers(fields: Fields) -> frozenset[UUID]:
    found: set[UUID] = set()
    for word in fields.words("not_with"):
        try:
            found.add(decode("off", word))
        except InvalidInput:
            fields.wrong("not_with", say_later("Write the ids of offers, such as off_…, with commas between."))
    return frozenset(found)


def _funding(fields: Fields, goods: GoodsReader) -> tuple[Funding, ...]:
    """Lines such as `market 40` and `lumo 60`."""
    found: list[Funding] = []
    for line in fields.form.get("funding").splitlines():
        if line.strip():
            who, _, part = line.strip().rpartition(" ")
            payer = _payer(fields, goods, "funding", who.strip())
            found.append(Funding(None if payer == OPERATOR else payer, fields.percent("funding", part)))
    return tuple(found)
