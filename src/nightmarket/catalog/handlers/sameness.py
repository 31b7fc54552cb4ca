"""Products of different merchants that are the same thing find one another, whenever some of them are written."""

from collections.abc import Collection, Mapping
from uuid import UUID

from nightmarket.catalog.model.masters import masters
from nightmarket.catalog.store import sameness
from nightmarket.platform.database import Connection


async def join_same(tx: Connection, written: Collection[UUID]) -> Mapping[UUID, UUID | None]:
    """Work out anew to whom the written products, and those that were joined to them, belong.

    Returns those whose master is another now. Takes the last lock of its transaction.
    """
    if not written:
        return {}
    await sameness.lock_sameness(tx)
    before = await sameness.read_masters(tx, written)
    together = await sameness.members(tx, {master for master, _ in before.values() if master is not None})
    kin = await sameness.kin_of(tx, together | set(written))
    before = await sameness.read_masters(tx, [one.product for one in kin])
    fixed = {one.product for one in kin if one.by_hand}
    moved = {
        product: master
        for product, master in masters(kin).items()
        if product not in fixed and before.get(product, (None, False))[0] != master
    }
    await sameness.write_masters(tx, moved, by_hand=False)
    return moved
