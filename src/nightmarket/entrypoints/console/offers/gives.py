"""What an offer gives, read from the form."""

from typing import TypeVar

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.money import BASIS_POINTS
from nightmarket.promotions.contract import (
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    NthPiece,
    Part,
    PercentOff,
    PurchaseLimit,
    Tiers,
    Which,
)

from .fields import Fields
from .goods import GoodsReader

NOTHING = FreeShipping()
MISSING = say_later("Write an amount such as 5.00.")
NO_NUMBER = say_later("Write a number such as 2.")

Word = TypeVar("Word", Each, Which)


async def read_effect(fields: Fields, goods: GoodsReader) -> Effect:
    """The effect that is chosen; NOTHING, with the errors noted, where it cannot be read."""
    form = fields.form
    match form.get("effect"):
        case "percent":
            return PercentOff(fields.percent("percent"), pieces=fields.whole("pieces"))
        case "amount":
            each = _word(fields, "each", Each.TOGETHER)
            return AmountOff(_amount(fields, "amount"), each, fields.whole("pieces"))
        case "fixed":
            return FixedPrice(_amount(fields, "amount"), fields.whole("pieces") or 1, fields.whole("times"))
        case "nth":
            which = _word(fields, "which", Which.GROUPS)
            number = _number(fields, "count")
            return NthPiece(number, _part(fields), fields.whole("pieces") or 1, which, fields.whole("times"))
        case "free_shipping":
            options, together = fields.words("options"), form.get("each") == Each.TOGETHER and bool(form.get("amount"))
            limit = dict(fields.amounts("amount"))
            return FreeShipping(limit, _part(fields), options=options, together=together)
        case "every":
            minus = _amount(fields, "amount")
            return EveryOff(_amount(fields, "threshold"), minus, fields.whole("times"), bool(form.get("per_merchant")))
        case "tiers":
            return Tiers(fields.steps("steps"))
        case "limit":
            units = fields.whole("limit")
            if units:
                return PurchaseLimit(units)
            fields.wrong("limit", say_later("Write how many units one buyer may have, such as 2."))
        case "buy_get" | "gift" | "bundle" as chosen:
            return await _with_goods(chosen, fields, goods)
        case _:
            fields.wrong("effect", say_later("Choose what the offer gives."))
    return NOTHING


async def _with_goods(chosen: str, fields: Fields, goods: GoodsReader) -> Effect:
    times = fields.whole("times")
    match chosen:
        case "buy_get":
            wanted = await goods.read("effect_goods")
            which = _word(fields, "which", Which.CHEAPEST)
            return BuyGet(_number(fields, "count"), fields.whole("get") or 1, wanted, _part(fields), which, times)
        case "gift":
            wanted = await goods.read("effect_goods")
            if not wanted.variants:
                fields.wrong("effect_goods", say_later("Name the gifts by merchant and SKU, such as sku:lumo/BAG."))
            return Gift(wanted.variants, fields.whole("get") or 1, fields.whole("count") or 0, times or 1)
        case _:
            parts = tuple(Part(some, units) for units, some in await goods.counted("parts"))
            return Bundle(parts, _amount(fields, "amount"), times)


def _amount(fields: Fields, name: str) -> dict[str, int]:
    amounts = dict(fields.amounts(name))
    if not amounts:
        fields.wrong(name, MISSING)
    return amounts


def _number(fields: Fields, name: str) -> int:
    number = fields.whole(name)
    if number is None:
        fields.wrong(name, NO_NUMBER)
    return number or 1


def _part(fields: Fields) -> int:
    """Basis points; all of it where the field is empty."""
    return fields.percent("percent") if fields.form.get("percent") else BASIS_POINTS


def _word(fields: Fields, name: str, default: Word) -> Word:
    text = fields.form.get(name)
    try:
        return type(default)(text) if text else default
    except ValueError:
        fields.wrong(name, say_later("Choose one of the list."))
        return default
