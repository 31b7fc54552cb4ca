"""Merchants: they apply, are opened, declined or closed, and say who they are."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    Decision,
    Merchant,
    MerchantChanged,
    MerchantProfile,
    MerchantState,
    Place,
    Texts,
)
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.handlers.naming import main_place
from nightmarket.catalog.model import bounds, checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.flaws import Flaws
from nightmarket.catalog.model.merchants import decide as decided
from nightmarket.catalog.model.merchants import with_profile
from nightmarket.catalog.model.rows import merchant_id, place_id
from nightmarket.catalog.store import directory, goods
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.database import Connection

from .means import Means, check_amount, check_version

MOST_DECISIONS = 100
MAX_BASIS_POINTS = 10_000


async def apply(means: Means, tx: Connection, profile: MerchantProfile) -> Merchant:
    """A new merchant, not open yet, with one place."""
    flaws = Flaws()
    slug = flaws.check(lambda: checks.slug(profile.slug, field="slug"), "")
    id_ = merchant_id(slug)
    await goods.lock_merchants(tx, [id_])
    if slug and await directory.merchants(tx, [slug]):
        flaws.note(
            RowRefused("slug", Reason.SLUG_INVALID, f"{slug!r} is somebody's already.", "Choose another address.")
        )
    new = Merchant(id_, slug, profile.name, {}, {}, state=MerchantState.APPLIED)
    merchant = with_profile(new, profile, flaws)
    await _check_picture(means, new, merchant, flaws)
    flaws.settle()
    [saved] = await _write(means, tx, [merchant], replace=False)
    await directory.write_places(tx, [main_place(id_)], replace=False)
    return saved


async def save_profile(
    means: Means, tx: Connection, merchant: UUID, profile: MerchantProfile, expected_version: int
) -> Merchant:
    """What a merchant says of itself."""
    before = await _locked(tx, merchant, expected_version)
    flaws = Flaws()
    after = with_profile(before, profile, flaws)
    await _check_picture(means, before, after, flaws)
    flaws.settle()
    [saved] = await _write(means, tx, [after])
    return saved


async def decide(means: Means, tx: Connection, decisions: Sequence[Decision]) -> Sequence[Merchant]:
    """What an operator makes of merchants."""
    check_amount(decisions, MOST_DECISIONS, "decisions")
    await goods.lock_merchants(tx, [one.merchant for one in decisions])
    known = await directory.read_merchants(tx, [one.merchant for one in decisions])
    flaws = Flaws()
    after: dict[UUID, Merchant] = {}
    for number, one in enumerate(decisions):
        flaws.about(number)
        before = known.get(one.merchant)
        if before is None:
            raise NotFound("There is no such merchant.", field="merchant")
        check_version(before.name, one.expected_version, before.version)
        after[before.id] = flaws.check(lambda before=before, one=one: decided(before, one.state, one.reason), before)
    flaws.settle()
    return await _write(means, tx, list(after.values()))


async def set_commission(
    means: Means, tx: Connection, merchant: UUID, basis_points: int, expected_version: int
) -> Merchant:
    """What the house keeps."""
    if not 0 <= basis_points <= MAX_BASIS_POINTS:
        raise InvalidInput(
            f"A commission has 0 to {MAX_BASIS_POINTS} hundredths of a percent.", field="commission_basis_points"
        )
    before = await _locked(tx, merchant, expected_version)
    [saved] = await _write(means, tx, [msgspec.structs.replace(before, commission_basis_points=basis_points)])
    return saved


async def save_places(tx: Connection, merchant: UUID, names: Mapping[str, Texts]) -> Sequence[Place]:
    """Make or rename places."""
    await goods.lock_merchants(tx, [merchant])
    if merchant not in await directory.read_merchants(tx, [merchant]):
        raise NotFound("There is no such merchant.", field="merchant")
    flaws = Flaws()
    places = [
        Place(
            place_id(merchant, flaws.check(lambda code=code: checks.slug(code, field="code"), "")),
            merchant,
            code,
            flaws.check(
                lambda code=code, name=name: checks.texts(name, field=f"names.{code}"[:100], limit=bounds.MAX_NAME), {}
            )
            or directory.name_from(code),
        )
        for code, name in names.items()
    ]
    there = {place.id for place in await directory.places(tx, [merchant])} | {place.id for place in places}
    flaws.check(lambda: checks.at_most(len(there), bounds.MAX_PLACES, "places", "places"), None)
    flaws.settle()
    await directory.write_places(tx, places, replace=True)
    return await directory.places(tx, [merchant])


async def _locked(tx: Connection, merchant: UUID, expected_version: int) -> Merchant:
    await goods.lock_merchants(tx, [merchant])
    before = (await directory.read_merchants(tx, [merchant])).get(merchant)
    if before is None:
        raise NotFound("There is no such merchant.", field="merchant")
    check_version(before.name, expected_version, before.version)
    return before


async def _check_picture(means: Means, before: Merchant, after: Merchant, flaws: Flaws) -> None:
    if after.image and after.image != before.image and after.image not in await means.pictures.known([after.image]):
        flaws.note(RowRefused("image", Reason.PICTURE_MISSING, "That picture is not here.", "Upload it again."))


async def _write(
    means: Means, tx: Connection, merchants: Sequence[Merchant], *, replace: bool = True
) -> Sequence[Merchant]:
    at = means.clock.now()
    await directory.write_merchants(tx, merchants, at, replace=replace)
    saved = await directory.read_merchants(tx, [one.id for one in merchants])
    told = [MerchantChanged(one.id, one.state.value, one.version) for one in saved.values()]
    await means.facts.append(tx, told, at)
    return [saved[one.id] for one in merchants]
