"""What an offer must fulfil to be published."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.money import MAX_AMOUNT
from nightmarket.promotions.contract import (
    AmountOff,
    Bundle,
    BuyGet,
    Companion,
    Condition,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Funding,
    Gift,
    Goods,
    Hours,
    NthPiece,
    Offer,
    Part,
    PercentOff,
    Step,
    Tiers,
    uses_tally,
)
from nightmarket.promotions.model.list_rules import ListPrice, list_flaws
from nightmarket.promotions.model.rules import MAX_CONDITION_VALUES, circular, collide, flaws

NOW = datetime(2026, 11, 11, tzinfo=UTC)
TEA = Goods(categories=frozenset({"tea"}))
GOOD = Offer(
    id=UUID(int=100),
    revision=1,
    name={"en": "Night owls", "zh": "夜猫子"},
    effect=AmountOff({"EUR": 500, "JPY": 800}),
    starts_at=NOW,
    ends_at=NOW + timedelta(hours=1),
    condition=Condition(at_least={"EUR": 3000, "JPY": 4000}, regions=frozenset({"DE"})),
    code="OWL-11",
    max_uses=1000,
)


def test_a_good_offer_has_no_flaw() -> None:
    """Nothing is refused for its own sake: amounts, minimum, code, cap, names in several scripts."""
    assert flaws(GOOD) == []
    assert flaws(msgspec.structs.replace(GOOD, effect=PercentOff(10_000), uses=uses_tally(GOOD.id))) == []
    assert flaws(msgspec.structs.replace(GOOD, effect=FreeShipping(), max_uses=None, uses=UUID(int=5))) == []


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"revision": 0}, "revision", "too_small"),
        ({"name": {}}, "name", "missing"),
        ({"name": {"en": " "}}, "name.en", "empty"),
        ({"name": {"en": "x" * 121}}, "name.en", "too_long"),
        ({"name": {"en": "a\0b"}}, "name.en", "control_characters"),
        ({"name": {"en": "\ud800"}}, "name.en", "control_characters"),
        ({"name": {"xx": "Night"}}, "name", "unknown_language"),
        ({"code": "ab"}, "code", "malformed"),
        ({"code": "x" * 33}, "code", "malformed"),
        ({"code": "TEN OFF"}, "code", "malformed"),
        ({"code": "-OWL"}, "code", "malformed"),
        ({"code": "ЅОЅ"}, "code", "malformed"),
        ({"ends_at": NOW}, "ends_at", "before_start"),
        ({"ends_at": NOW - timedelta(days=1)}, "ends_at", "before_start"),
        ({"starts_at": datetime(2026, 11, 11)}, "starts_at", "no_time_zone"),  # noqa: DTZ001
        ({"effect": PercentOff(0)}, "effect.basis_points", "out_of_range"),
        ({"effect": PercentOff(-1)}, "effect.basis_points", "out_of_range"),
        ({"effect": PercentOff(10_001)}, "effect.basis_points", "out_of_range"),
        ({"effect": AmountOff({})}, "effect.amounts", "missing"),
        ({"effect": AmountOff({"EUR": 0})}, "effect.amounts.EUR", "out_of_range"),
        ({"effect": AmountOff({"EUR": -500})}, "effect.amounts.EUR", "out_of_range"),
        ({"effect": AmountOff({"EUR": MAX_AMOUNT + 1})}, "effect.amounts.EUR", "out_of_range"),
        ({"effect": AmountOff({"EUX": 500}), "condition": Condition()}, "effect.amounts", "unknown_currency"),
        ({"effect": AmountOff({"KWD": 500})}, "effect.amounts.KWD", "no_minimum"),
        ({"effect": FreeShipping({"EUR": 0})}, "effect.up_to.EUR", "out_of_range"),
        ({"condition": Condition(at_least={"EUR": -1, "JPY": 1})}, "condition.at_least.EUR", "out_of_range"),
        ({"condition": Condition(at_least={"eur": 1, "EUR": 1, "JPY": 1})}, "condition.at_least", "unknown_currency"),
        ({"condition": Condition(regions=frozenset({""}))}, "condition.regions", "malformed"),
        ({"condition": Condition(brands=frozenset({"a\nb"}))}, "condition.brands", "malformed"),
        (
            {"condition": Condition(variants=frozenset(UUID(int=n) for n in range(MAX_CONDITION_VALUES + 1)))},
            "condition.variants",
            "too_many",
        ),
        (
            {"condition": Condition(merchants=frozenset({UUID(int=2)})), "funder": UUID(int=1)},
            "condition.merchants",
            "not_the_funder",
        ),
        ({"exclusive": ""}, "exclusive", "malformed"),
        ({"most": {"EUR": 0, "JPY": 1}}, "most.EUR", "out_of_range"),
        ({"not_with": frozenset({UUID(int=100)})}, "not_with", "circular"),
        ({"funding": (Funding(None, 5000), Funding(UUID(int=1), 4999))}, "funding", "does_not_sum"),
        ({"funding": (Funding(UUID(int=1), 10_000),)}, "funding", "not_the_funder"),
        (
            {"funding": (Funding(UUID(int=2), 5000), Funding(UUID(int=1), 5000)), "funder": UUID(int=1)},
            "funding",
            "between_merchants",
        ),
        (
            {
                "funding": (Funding(UUID(int=2), 5000), Funding(UUID(int=1), 5000)),
                "funder": UUID(int=1),
                "condition": Condition(merchants=frozenset({UUID(int=1), UUID(int=2)})),
            },
            "funding",
            "between_merchants",
        ),
        ({"funding": (Funding(None, 5000), Funding(None, 5000))}, "funding", "named_twice"),
        ({"effect": PercentOff(100, pieces=0)}, "effect.pieces", "out_of_range"),
        ({"effect": AmountOff({"EUR": 5, "JPY": 5}, pieces=2)}, "effect.pieces", "not_together"),
        ({"effect": FixedPrice({})}, "effect.prices", "missing"),
        ({"effect": FixedPrice({"EUR": 100, "JPY": 100}, times=0)}, "effect.times", "out_of_range"),
        ({"effect": NthPiece(2, pieces=2)}, "effect.pieces", "not_below"),
        ({"effect": NthPiece(200_000)}, "effect.every", "out_of_range"),
        ({"effect": BuyGet(0)}, "effect.buy", "out_of_range"),
        ({"effect": Bundle((), {"EUR": 1, "JPY": 1})}, "effect.parts", "out_of_range"),
        ({"effect": Bundle((Part(TEA), Part(Goods())), {"EUR": 1, "JPY": 1})}, "effect.parts.1", "missing"),
        ({"effect": Gift(frozenset())}, "effect.variants", "missing"),
        ({"effect": EveryOff({"EUR": 100}, {"EUR": 101})}, "effect.minus.EUR", "above_price"),
        ({"effect": EveryOff({"EUR": 100}, {"JPY": 10})}, "effect.minus", "other_currencies"),
        ({"effect": Tiers((Step(2, basis_points=1), Step(2, basis_points=2)))}, "effect.steps.1", "overlapping"),
        ({"effect": Tiers((Step(3, basis_points=1), Step(2, basis_points=2)))}, "effect.steps.1", "overlapping"),
        ({"effect": Tiers((Step(2, basis_points=2), Step(3, basis_points=1)))}, "effect.steps.1", "gives_less"),
        ({"effect": Tiers((Step(2, basis_points=2), Step(3, minus={"EUR": 1})))}, "effect.steps.1", "other_kind"),
        ({"effect": Tiers((Step(2),))}, "effect.steps.0", "one_of_two"),
        ({"effect": Tiers(())}, "effect.steps", "out_of_range"),
        ({"effect": FreeShipping(together=True)}, "effect.up_to", "missing"),
        ({"condition": Condition(hours=(Hours(600, 600),))}, "condition.hours.0", "before_start"),
        ({"condition": Condition(hours=(Hours(0, 1441),))}, "condition.hours.0", "out_of_range"),
        (
            {"condition": Condition(hours=(Hours(weekdays=frozenset({7})),))},
            "condition.hours.0.weekdays",
            "out_of_range",
        ),
        ({"condition": Condition(hours=(Hours(zone="Mars/Base"),))}, "condition.hours.0.zone", "unknown_zone"),
        ({"condition": Condition(hours=(Hours(),)), "ends_at": NOW + timedelta(days=401)}, "ends_at", "too_long"),
        ({"condition": Condition(alongside=(Companion(Goods()),))}, "condition.alongside.0", "missing"),
        ({"condition": Condition(least_units=-1)}, "condition.least_units", "out_of_range"),
        (
            {"condition": Condition(categories=frozenset({"tea"}), excluded=TEA)},
            "condition.excluded.categories",
            "circular",
        ),
        ({"max_uses": 0}, "max_uses", "out_of_range"),
        ({"uses": UUID(int=5)}, "uses", "two_caps"),
    ],
)
def test_each_flaw_has_its_field_and_reason(change: dict[str, object], field: str, reason: str) -> None:
    """One thing is wrong, and just that is named, with a sentence to mend it."""
    found = flaws(msgspec.structs.replace(GOOD, **change))
    assert [(flaw.field, flaw.reason) for flaw in found] == [(field, reason)]
    assert found[0].detail.endswith(".")


def test_all_flaws_are_told_at_once() -> None:
    """A form can mark every field in one go."""
    bad = msgspec.structs.replace(GOOD, name={}, effect=PercentOff(0), ends_at=NOW)
    assert [flaw.field for flaw in flaws(bad)] == ["name", "ends_at", "effect.basis_points"]


def test_the_same_code_at_the_same_time_collides() -> None:
    """Case does not tell codes apart; windows that only touch do not collide; an offer never with itself."""
    other = msgspec.structs.replace(GOOD, id=UUID(int=101), code="owl-11")
    assert collide(GOOD, other)
    assert not collide(GOOD, msgspec.structs.replace(other, id=GOOD.id))
    assert not collide(GOOD, msgspec.structs.replace(other, code="owl-12"))
    later = msgspec.structs.replace(other, starts_at=GOOD.ends_at, ends_at=GOOD.ends_at + timedelta(hours=1))
    assert not collide(GOOD, later)
    assert not collide(later, GOOD)


def test_circles_of_exclusions_are_found() -> None:
    """One of two says that they do not go together; both saying it, or a circle, is refused; a chain is not."""

    def offer(number: int, *others: int) -> Offer:
        ids = frozenset(UUID(int=other) for other in others)
        return msgspec.structs.replace(GOOD, id=UUID(int=number), not_with=ids)

    assert circular([offer(1, 2), offer(2, 3), offer(3), offer(4, 2, 3)]) == []
    assert {id.int for id in circular([offer(1, 2), offer(2, 1)])} == {1, 2}
    assert {id.int for id in circular([offer(5, 1), offer(1, 2, 4), offer(2, 3), offer(3, 1), offer(4)])} == {1, 2, 3}


def test_prices_are_compared_with_the_list_and_with_costs() -> None:
    """A price no lower than the list's, or one piece sold below its cost, is a flaw; unknown goods are none."""
    variant = UUID(int=7)
    fixed = msgspec.structs.replace(GOOD, effect=FixedPrice({"EUR": 2000, "JPY": 900}))
    known = {variant: ListPrice(UUID(int=1), {"EUR": 2000, "JPY": 1000}, {"EUR": 1500})}
    assert [(flaw.field, flaw.reason) for flaw in list_flaws(fixed, known)] == [("effect.prices.EUR", "above_price")]
    assert list(list_flaws(fixed, {})) == []
    for points, reasons in ((2500, []), (2600, ["below_cost"])):
        percent = msgspec.structs.replace(GOOD, effect=PercentOff(points))
        assert [flaw.reason for flaw in list_flaws(percent, known)] == reasons
