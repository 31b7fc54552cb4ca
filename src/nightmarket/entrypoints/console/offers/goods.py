"""Goods as people write them: `category:tea, brand:Lumo, merchant:lumo, product:night-lamp, sku:lumo/LAMP-1`."""

import re
from collections.abc import Mapping
from uuid import UUID

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.promotions.contract import Goods

MAX_WRITTEN = 200
"""Goods that one field names."""

UNKNOWN = say_later("“%(word)s” is not known here. Write such as category:tea, brand:Lumo, product:night-lamp.")
COUNTED = re.compile(r"(?P<units>[0-9]{1,6})\s*[x×]?\s+(?P<goods>.*)")


class GoodsReader:
    """Reads goods by the names that the catalogue has; what it does not know is noted in the form."""

    def __init__(self, desk: Desk, form: Form, merchants: Mapping[str, UUID]) -> None:
        self._desk, self._form, self._merchants = desk, form, merchants

    @classmethod
    async def of(cls, desk: Desk, form: Form) -> "GoodsReader":
        """With the merchants of this moment."""
        return cls(desk, form, {one.slug: one.id for one in await desk.shop.catalog.merchants()})

    def merchant(self, slug: str) -> UUID | None:
        return self._merchants.get(slug)

    async def read(self, name: str, text: str | None = None) -> Goods:
        """The goods that a field names, or that stand in `text` of it."""
        found: dict[str, set[UUID | str]] = {}
        words = [word.strip() for word in re.split(r"[,\n]", self._form.get(name) if text is None else text)]
        for word in [word for word in words if word][:MAX_WRITTEN]:
            kind, _, value = word.partition(":")
            one = await self._one(kind.strip().casefold(), value.strip())
            if one is None:
                self._form.wrong(name, self._desk.say(UNKNOWN, word=word[:80]))
            else:
                found.setdefault(one[0], set()).add(one[1])
        return Goods(**{kind: frozenset(values) for kind, values in found.items()})  # pyright: ignore[reportArgumentType]

    async def counted(self, name: str) -> list[tuple[int, Goods]]:
        """Lines such as `2 category:tea`: units and their goods; no number is one."""
        found: list[tuple[int, Goods]] = []
        for line in self._form.get(name).splitlines()[:MAX_WRITTEN]:
            if not line.strip():
                continue
            match = COUNTED.fullmatch(line.strip())
            units, text = (int(match["units"]), match["goods"]) if match else (1, line)
            found.append((units, await self.read(name, text)))
        return found

    async def _one(self, kind: str, value: str) -> tuple[str, UUID | str] | None:
        if not value:
            return None
        match kind:
            case "category":
                return "categories", value
            case "brand":
                return "brands", value
            case "merchant":
                merchant = self._merchants.get(value)
                return None if merchant is None else ("merchants", merchant)
            case "product":
                product = await self._desk.shop.catalog.product(value.rpartition("/")[2])
                return None if product is None else ("products", product.id)
            case "sku":
                merchant, _, sku = value.partition("/")
                variant = await self._desk.shop.catalog.find(merchant, sku) if sku else None
                return None if variant is None else ("variants", variant)
            case _:
                return None
