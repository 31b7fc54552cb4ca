"""List prices of the past, from the versions that were replaced."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract import ProductState
from nightmarket.catalog.contract.prices import MAX_HISTORIES, ListPrices
from nightmarket.catalog.model.records import ProductRecord, VariantRecord
from nightmarket.catalog.store import goods, past
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection


class StoredPriceHistory:
    """Implements `contract.prices.PriceHistory`."""

    async def list_prices(
        self, connection: Connection, variants: Mapping[UUID, UUID], currency: str, since: datetime
    ) -> Mapping[UUID, ListPrices]:
        if len(variants) > MAX_HISTORIES:
            raise InvalidInput(f"Ask for at most {MAX_HISTORIES} price histories.", field="variants")
        pasts = await past.read_pasts(connection, list(set(variants.values())), since)
        now = await goods.read_listed(connection, list(variants))
        found: dict[UUID, ListPrices] = {}
        for variant, product in variants.items():
            if variant not in now:
                continue
            older = pasts.get(product, [])
            oldest = older[0][0] if older else None
            versions = [(one.replaced_at, its) for one, its in older if its is not None]
            state, prices = now[variant]
            amount = prices.get(currency) if state is ProductState.LIVE else None
            spans = _spans(versions, amount, (variant, currency, since))
            known_from = None if oldest is None or oldest.version == 1 else oldest.replaced_at
            found[variant] = ListPrices(tuple(spans), known_from)
        return found


_Version = tuple[datetime, tuple[ProductRecord, tuple[VariantRecord, ...]]]


def _spans(
    versions: Iterable[_Version], newest: int | None, wanted: tuple[UUID, str, datetime]
) -> list[tuple[datetime, int]]:
    """When each list price began; a version was shown from the end of the one before it until it was replaced."""
    variant, currency, began = wanted
    spans: list[tuple[datetime, int]] = []
    for replaced_at, (record, variants) in versions:
        amount = _price(record, variants, variant, currency)
        if amount is not None:
            spans.append((began, amount))
        began = replaced_at
    if newest is not None:
        spans.append((began, newest))
    return spans


def _price(record: ProductRecord, variants: Iterable[VariantRecord], variant: UUID, currency: str) -> int | None:
    if record.state is not ProductState.LIVE:
        return None
    return next((one.prices.get(currency) for one in variants if one.id == variant), None)
