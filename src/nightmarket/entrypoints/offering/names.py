"""From the names that people have for goods and merchants to ids, and back."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract import Catalog
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import OPERATOR, Goods

from .document import MARKET, GoodsInput

UNKNOWN = "unknown"
MALFORMED = "malformed"


class Fault(Exception):
    """What cannot be read; `field` says where, the text how to mend it. UNKNOWN: a name that means nothing here."""

    def __init__(self, field: str, detail: str, reason: str = MALFORMED) -> None:
        super().__init__(detail)
        self.field, self.detail, self.reason = field, detail, reason


class Names:
    """What names mean, looked up once each. Without a catalogue only ids are known."""

    def __init__(self, catalog: Catalog | None) -> None:
        self._catalog = catalog
        self._merchants: dict[str, UUID] | None = None
        self._found: dict[tuple[str, str], UUID | None] = {}

    async def merchant(self, slug: str, field: str) -> UUID:
        known = await self._slugs()
        if slug not in known:
            raise Fault(
                field, f"There is no merchant {slug!r}; write a short name as in the address of their page.", UNKNOWN
            )
        return known[slug]

    async def payer(self, word: str, field: str) -> UUID:
        """A merchant, or OPERATOR for the market."""
        return OPERATOR if word == MARKET else await self.merchant(word, field)

    async def slug(self, merchant: UUID) -> str:
        """The short name of a merchant; of one that is gone its id."""
        known = await self._slugs()
        return next((slug for slug, id in known.items() if id == merchant), encode("mer", merchant))

    async def goods(self, written: GoodsInput, field: str) -> Goods:
        merchants = [
            await self.merchant(one, f"{field}.merchants[{place}]") for place, one in enumerate(written.merchants)
        ]
        return Goods(
            merchants=frozenset(merchants),
            products=frozenset(await self._all("product", written.products, f"{field}.products")),
            variants=await self.variants(written.variants, f"{field}.variants"),
            categories=frozenset(written.categories),
            brands=frozenset(written.brands),
        )

    async def variants(self, names: Sequence[str], field: str) -> frozenset[UUID]:
        return frozenset(await self._all("variant", names, field))

    async def _all(self, kind: str, names: Sequence[str], field: str) -> list[UUID]:
        found: list[UUID] = []
        for place, name in enumerate(names):
            if (kind, name) not in self._found:
                self._found[kind, name] = await (self._product(name) if kind == "product" else self._variant(name))
            id = self._found[kind, name]
            if id is None:
                way = "the last part of its page's address" if kind == "product" else "merchant/SKU"
                raise Fault(f"{field}[{place}]", f"There is no {kind} {name!r}; write {way}, or its id.", UNKNOWN)
            found.append(id)
        return found

    async def _product(self, name: str) -> UUID | None:
        if (id := _decoded("prd", name)) is not None:
            return id
        product = await self._catalog.product(name) if self._catalog else None
        return None if product is None else product.id

    async def _variant(self, name: str) -> UUID | None:
        if (id := _decoded("var", name)) is not None:
            known = await self._catalog.listings([id]) if self._catalog else {id: None}
            return id if id in known else None
        merchant, slash, sku = name.partition("/")
        return await self._catalog.find(merchant, sku) if slash and self._catalog else None

    async def _slugs(self) -> dict[str, UUID]:
        if self._merchants is None:
            self._merchants = {one.slug: one.id for one in await self._catalog.merchants()} if self._catalog else {}
        return self._merchants


def _decoded(prefix: str, text: str) -> UUID | None:
    try:
        return decode(prefix, text) if text.startswith(f"{prefix}_") else None
    except InvalidInput:
        return None
