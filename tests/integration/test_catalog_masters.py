"""The same thing at several merchants, on a real database: by number, in any order of arrival, and by hand."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import count
from random import Random
from uuid import UUID

import msgspec
import pytest

from nightmarket.catalog.contract import (
    Decision,
    MerchantState,
    ProductChanged,
    ProductDraft,
    ProductState,
    ProductText,
    VariantDraft,
)
from nightmarket.catalog.model.identifiers import check_digit
from nightmarket.catalog.model.rows import merchant_id, product_id
from nightmarket.catalog.store import sameness
from nightmarket.kernel.problems import InvalidInput, NotFound
from tests.catalog_desk import Desk, as_draft, desk

pytestmark = pytest.mark.engine

MERCHANTS = [f"stall-{n}" for n in range(4)]
_worlds = count(1)


@pytest.fixture(scope="module")
async def house(database: str) -> AsyncGenerator[Desk]:
    async with desk(database) as made:
        await made.open_merchants(*MERCHANTS, *(f"bearer-{n}" for n in range(60)))
        yield made


def number(which: int, prefix: str = "40") -> str:
    """A GTIN-13 that no other test uses, unless it asks for the same one."""
    body = f"{prefix}{which:010d}"
    return body + check_digit(body)


def goods(merchant: str, key: str, *gtins: str) -> ProductDraft:
    """A live product with a variant for each number."""
    return ProductDraft(
        merchant=merchant_id(merchant),
        key=key,
        texts={"en": ProductText(key)},
        category="other",
        state=ProductState.LIVE,
        variants=tuple(
            VariantDraft(sku=f"{key}-{n}", prices={"EUR": "5"}, gtin=gtin, options={"n": {"en": str(n)}})
            for n, gtin in enumerate(gtins or ("",))
        ),
    )


@pytest.fixture(scope="module", autouse=True)
async def other(house: Desk) -> None:
    """The category of everything here."""
    async with house.shop.database.transaction() as tx:
        await tx.execute("INSERT INTO catalog.category (slug, names, updated_at) VALUES ('other', '{}', now())")


async def masters_of(house: Desk, products: list[UUID]) -> dict[UUID, UUID | None]:
    async with house.shop.database.read() as connection:
        found = await sameness.read_masters(connection, products)
    return {product: found[product][0] if product in found else None for product in products}


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_gives_the_same_groups(house: Desk, seed: int) -> None:
    """Written one by one or in sets, in any order, the same products end up together, under the first of them."""
    world = next(_worlds) * 100
    wanted = {  # a chain, a pair, a pair of one merchant, two on their own, one restricted number
        "a": ("stall-0", [1, 2]),
        "b": ("stall-1", [2, 3]),
        "c": ("stall-2", [3]),
        "d": ("stall-0", [4]),
        "e": ("stall-3", [4, 5]),
        "f": ("stall-1", [6]),
        "g": ("stall-1", [6]),
        "h": ("stall-2", [7]),
        "i": ("stall-3", []),
    }
    random = Random(seed)
    order = list(wanted)
    random.shuffle(order)
    drafts = {
        key: goods(merchant, f"w{world}-{key}", *(number(world + one) for one in numbers))
        for key, (merchant, numbers) in wanted.items()
    }
    for key, merchant in (("j", "stall-0"), ("k", "stall-1")):
        drafts[key] = goods(merchant, f"w{world}-{key}", number(world + 9, "20"))
        order.insert(random.randrange(len(order)), key)
    while order:
        part = [order.pop(0) for _ in range(min(len(order), random.randint(1, 4)))]
        await house.save(*(drafts[key] for key in part))
    ids = {key: product_id(slug_of(draft), draft.key) for key, draft in drafts.items()}
    found = await masters_of(house, list(ids.values()))
    together: dict[UUID | None, set[str]] = {}
    for key, product in ids.items():
        together.setdefault(found[product], set()).add(key)
    alone = together.pop(None)
    assert alone == {"f", "g", "h", "i", "j", "k"}
    assert sorted(map(sorted, together.values())) == [["a", "b", "c"], ["d", "e"]]
    async with house.shop.database.read() as connection:
        kin = {one.product: one for one in await sameness.kin_of(connection, list(ids.values()))}
    for master, keys in together.items():
        assert master == min((ids[key] for key in keys), key=lambda one: kin[one].appeared)


def slug_of(draft: ProductDraft) -> str:
    return next(slug for slug in MERCHANTS if merchant_id(slug) == draft.merchant)


async def test_a_changed_number_parts_and_joins(house: Desk) -> None:
    """When a number changes, who was joined by it is free again, and others hear of it."""
    [first] = await house.save(goods("stall-0", "moving-a", number(9001)))
    [second] = await house.save(goods("stall-1", "moving-b", number(9001)))
    assert await masters_of(house, [first, second]) == {first: first, second: first}
    product = await house.product(second)
    form = as_draft(product)
    changed = msgspec.structs.replace(form.variants[0], gtin=number(9002))
    await house.save(msgspec.structs.replace(form, variants=(changed,)))
    assert await masters_of(house, [first, second]) == {first: None, second: None}
    assert [one.product for one in await house.facts(ProductChanged.kind, ProductChanged)][-2:] == [second, first]
    async with house.shop.database.transaction() as tx:
        await house.editor.undo(tx, second, 1, 2, "Test")
    assert await masters_of(house, [first, second]) == {first: first, second: first}


async def test_rivals_are_live_offers_of_open_merchants(house: Desk) -> None:
    """Rivals are other merchants' variants with the same number, however it is written, as long as they are sold."""
    body = "03600029145"
    written = body + check_digit(body)
    [mine] = await house.save(goods("stall-0", "rival-a", written))
    [theirs] = await house.save(goods("stall-1", "rival-b", f"0{written}", number(9100)))
    [found] = await house.shop.catalog.rivals(mine)
    assert (found.product_slug, found.merchant.slug, found.prices, len(found.stock)) == (
        *("rival-b", "stall-1"),
        *({"EUR": 500}, 1),
    )
    assert [one.product_slug for one in await house.shop.catalog.rivals(theirs)] == ["rival-a"]
    async with house.shop.database.transaction() as tx:
        await house.editor.set_state(tx, None, [theirs], ProductState.WITHDRAWN, "T")
    assert not await house.shop.catalog.rivals(mine)
    async with house.shop.database.transaction() as tx:
        await house.editor.set_state(tx, None, [theirs], ProductState.LIVE, "T")
        version = next(one for one in await house.shop.catalog.merchants() if one.slug == "stall-1").version
        await house.editor.decide(tx, [Decision(merchant_id("stall-1"), MerchantState.CLOSED, version, "Holidays")])
    assert not await house.shop.catalog.rivals(mine)
    async with house.shop.database.transaction() as tx:
        await house.editor.decide(tx, [Decision(merchant_id("stall-1"), MerchantState.OPEN, version + 1)])
    assert len(await house.shop.catalog.rivals(mine)) == 1


async def test_an_operator_joins_parts_and_lets_go(house: Desk) -> None:
    """What is said by hand holds against the numbers, until it is taken back."""
    first, second = await house.save(goods("stall-0", "hand-a", number(9201)), goods("stall-1", "hand-b", number(9202)))
    [third] = await house.save(goods("stall-2", "hand-c", number(9201)))
    all_ = [first, second, third]
    assert await masters_of(house, all_) == {first: first, second: None, third: first}
    async with house.shop.database.transaction() as tx:
        assert await house.editor.join_products(tx, [second, first]) == first
    assert await masters_of(house, all_) == dict.fromkeys(all_, first)
    [joined] = [one for one in await house.shop.catalog.rivals(second) if one.product_slug == "hand-a"]
    assert joined.gtin == number(9201)
    await house.save(as_draft(await house.product(second)))
    assert await masters_of(house, all_) == dict.fromkeys(all_, first)
    async with house.shop.database.transaction() as tx:
        await house.editor.part_products(tx, [first])
    assert await masters_of(house, all_) == {first: None, second: first, third: None}
    await house.save(as_draft(await house.product(third)))
    assert await masters_of(house, all_) == {first: None, second: first, third: None}
    async with house.shop.database.transaction() as tx:
        await house.editor.release_products(tx, all_)
    assert await masters_of(house, all_) == {first: first, second: None, third: first}
    async with house.shop.database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await house.editor.join_products(tx, [first])
        with pytest.raises(NotFound):
            await house.editor.part_products(tx, [UUID(int=1)])


async def test_a_number_on_everything_says_nothing(house: Desk) -> None:
    """A number that more than fifty variants bear joins nobody, also those that it had joined before."""
    filler = number(9301)
    made = await house.save(*(goods(f"bearer-{n}", f"filler-{n}", filler) for n in range(40)))
    assert set((await masters_of(house, made)).values()) == {made[0]}
    made += await house.save(*(goods(f"bearer-{n}", f"filler-{n}", filler) for n in range(40, 60)))
    assert set((await masters_of(house, made)).values()) == {None}


async def test_two_at_once_find_one_another(house: Desk) -> None:
    """Merchants who write the same thing at the same moment are joined, whoever commits first."""
    for turn in range(10):
        pair = [goods(f"stall-{n}", f"race-{turn}-{n}", number(9400 + turn)) for n in range(2)]
        made = [product for found in await asyncio.gather(*map(house.save, pair)) for product in found]
        found = await masters_of(house, made)
        assert len(set(found.values())) == 1, turn
        assert set(found.values()) <= set(made)
