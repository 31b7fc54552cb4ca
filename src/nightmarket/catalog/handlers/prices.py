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
        products = list(dict.fromkeys(variants.values()))
        records = await goods.read_products(connection, products)
        now = await goods.read_variants_of(connection, products)
        found: dict[UUID, ListPrices] = {}
        for product in products:
            if product not in records:
                continue
            older = await past.read_past(connection, product)
            oldest = older[-1][0] if older else None
            complete = oldest is None or oldest.version == 1 or oldest.replaced_at <= since
            versions = [(one.replaced_at, record, its) for one, record, its in reversed(older)]
            for variant in (one for one, of in variants.items() if of == product):
                spans = _spans(versions, (records[product], now.get(product, ())), (variant, currency, since))
                found[variant] = ListPrices(tuple(spans), complete)
        return found


_Version = tuple[datetime, ProductRecord, tuple[VariantRecord, ...]]


def _spans(
    versions: Iterable[_Version],
    newest: tuple[ProductRecord, tuple[VariantRecord, ...]],
    wanted: tuple[UUID, str, datetime],
) -> list[tuple[datetime, int]]:
    """When each list price began; a version was shown from the end of the one before it until it was replaced."""
    variant, currency, since = wanted
    spans: list[tuple[datetime, int]] = []
    began = since
    for replaced_at, record, variants in versions:
        amount = _price(record, variants, variant, currency)
        if replaced_at > since:
            if amount is not None:
                spans.append((began, amount))
            began = replaced_at
    amount = _price(*newest, variant, currency)
    if amount is not None:
        spans.append((began, amount))
    return spans


def _price(record: ProductRecord, variants: Iterable[VariantRecord], variant: UUID, currency: str) -> int | None:
    if record.state is not ProductState.LIVE:
        return None
    return next((one.prices.get(currency) for one in variants if one.id == variant), None)
