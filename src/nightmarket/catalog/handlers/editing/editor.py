"""The editor that forms speak to."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.contract import (
    Attribute,
    Brand,
    Category,
    CostDraft,
    Decision,
    Entry,
    Merchant,
    MerchantProfile,
    Pictures,
    Place,
    PriceDraft,
    Product,
    ProductDraft,
    ProductState,
    Saved,
    SizeChart,
    Texts,
    Version,
)
from nightmarket.catalog.store import reference as stored
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.tally.contract import Tallies

from . import categories as trees
from . import lists, masters, merchants, products, reference, undoing
from . import prices as pricing
from .means import Means


class StoredEditor:
    """Implements `contract.Editor`."""

    def __init__(self, facts: Facts, tallies: Tallies, pictures: Pictures, clock: Clock) -> None:
        self._means = Means(facts, tallies, pictures, clock)

    async def save_products(self, tx: Connection, drafts: Sequence[ProductDraft], by: str) -> Sequence[Saved]:
        return await products.save_products(self._means, tx, drafts, by)

    async def set_prices(
        self, tx: Connection, merchant: UUID, prices: Sequence[PriceDraft], by: str
    ) -> Sequence[Saved]:
        return await pricing.set_prices(self._means, tx, merchant, prices, by)

    async def set_costs(self, tx: Connection, merchant: UUID, costs: Sequence[CostDraft], by: str) -> Sequence[Saved]:
        return await pricing.set_costs(self._means, tx, merchant, costs, by)

    async def set_state(
        self, tx: Connection, merchant: UUID | None, products: Sequence[UUID], state: ProductState, by: str
    ) -> Sequence[Saved]:
        return await pricing.set_state(self._means, tx, merchant, products, state, by)

    async def history(self, connection: Connection, product: UUID) -> Sequence[Version]:
        return await undoing.history(connection, product)

    async def undo(self, tx: Connection, product: UUID, version: int, expected_version: int, by: str) -> Saved:
        return await undoing.undo(self._means, tx, product, version, expected_version, by)

    async def product(self, connection: Connection, product: UUID) -> Product | None:
        return await lists.product(connection, product)

    async def products(
        self,
        connection: Connection,
        *,
        merchant: UUID | None,
        state: ProductState | None = None,
        words: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Sequence[Entry]:
        return await lists.products(connection, merchant, state, words, (after, limit))

    async def apply(self, tx: Connection, profile: MerchantProfile) -> Merchant:
        return await merchants.apply(self._means, tx, profile)

    async def save_profile(
        self, tx: Connection, merchant: UUID, profile: MerchantProfile, expected_version: int
    ) -> Merchant:
        return await merchants.save_profile(self._means, tx, merchant, profile, expected_version)

    async def decide(self, tx: Connection, decisions: Sequence[Decision]) -> Sequence[Merchant]:
        return await merchants.decide(self._means, tx, decisions)

    async def set_commission(
        self, tx: Connection, merchant: UUID, basis_points: int, expected_version: int
    ) -> Merchant:
        return await merchants.set_commission(self._means, tx, merchant, basis_points, expected_version)

    async def save_places(self, tx: Connection, merchant: UUID, names: Mapping[str, Texts]) -> Sequence[Place]:
        return await merchants.save_places(tx, merchant, names)

    async def save_brands(self, tx: Connection, brands: Sequence[Brand]) -> Sequence[Brand]:
        return await reference.save_brands(self._means, tx, brands)

    async def save_categories(self, tx: Connection, categories: Sequence[Category]) -> Sequence[Category]:
        return await trees.save_categories(self._means, tx, categories)

    async def save_attributes(self, tx: Connection, attributes: Sequence[Attribute]) -> Sequence[Attribute]:
        return await reference.save_attributes(self._means, tx, attributes)

    async def save_size_charts(self, tx: Connection, charts: Sequence[SizeChart]) -> Sequence[SizeChart]:
        return await reference.save_size_charts(self._means, tx, charts)

    async def all_brands(self, connection: Connection) -> Sequence[Brand]:
        return await stored.all_brands(connection)

    async def size_charts(self, connection: Connection) -> Sequence[SizeChart]:
        return await stored.size_charts(connection)

    async def join_products(self, tx: Connection, products: Sequence[UUID]) -> UUID:
        return await masters.join_products(self._means, tx, products)

    async def part_products(self, tx: Connection, products: Sequence[UUID]) -> None:
        await masters.part_products(self._means, tx, products)

    async def release_products(self, tx: Connection, products: Sequence[UUID]) -> None:
        await masters.release_products(self._means, tx, products)
