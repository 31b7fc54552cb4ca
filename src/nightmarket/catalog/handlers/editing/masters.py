"""An operator says which products are the same thing, and which are not."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.handlers.writing import Pen
from nightmarket.catalog.store import goods, sameness
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.database import Connection

from .means import Means, check_amount

MOST_PRODUCTS = 50


async def join_products(means: Means, tx: Connection, products: Sequence[UUID]) -> UUID:
    """All of them get the one that appeared first as master; it stays so whatever their numbers say."""
    if len(set(products)) < 2:
        raise InvalidInput("Name at least two products to join.", field="products")
    await _lock(tx, products)
    kin = await sameness.kin_of(tx, products)
    master = min((one for one in kin if one.product in set(products)), key=lambda one: one.appeared).product
    affected = await _companions(tx, products)
    await sameness.write_masters(tx, dict.fromkeys(products, master), by_hand=True)
    await Pen(means.facts).tell(tx, [*products, *affected], means.clock.now())
    return master


async def part_products(means: Means, tx: Connection, products: Sequence[UUID]) -> None:
    """None of them is like any other from now on."""
    await _lock(tx, products)
    affected = await _companions(tx, products)
    await sameness.write_masters(tx, dict.fromkeys(products), by_hand=True)
    await Pen(means.facts).tell(tx, [*products, *affected], means.clock.now())


async def release_products(means: Means, tx: Connection, products: Sequence[UUID]) -> None:
    """Numbers decide again."""
    await _lock(tx, products)
    affected = await _companions(tx, products)
    await sameness.forget_hand(tx, products)
    await Pen(means.facts).tell(tx, [*products, *affected], means.clock.now())


async def _lock(tx: Connection, products: Sequence[UUID]) -> None:
    check_amount(products, MOST_PRODUCTS, "products")
    await sameness.lock_sameness(tx)
    if set(products) - (await goods.versions_of(tx, products)).keys():
        raise NotFound("One of these products does not exist.", field="products")


async def _companions(tx: Connection, products: Sequence[UUID]) -> set[UUID]:
    """Who was joined to them until now, and has to be looked at again."""
    before = await sameness.read_masters(tx, products)
    return await sameness.members(tx, {master for master, _ in before.values() if master is not None})
