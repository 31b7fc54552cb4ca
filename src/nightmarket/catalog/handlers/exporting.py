"""Writes goods out as files, page by page from the database, so that memory does not grow with the assortment."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol
from uuid import UUID

from nightmarket.catalog.contract import ExportFormat, ExportRequest, Merchant
from nightmarket.catalog.model.goods_out import Assortment, Going
from nightmarket.catalog.model.google_out import GoogleTableOut, GoogleXmlOut
from nightmarket.catalog.model.json_out import JsonOut
from nightmarket.catalog.model.shopify_out import ShopifyOut
from nightmarket.catalog.model.table_out import TableOut
from nightmarket.catalog.store import directory, exports, products
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.database import Connection, Database
from nightmarket.tally.contract import Level, Tallies

PAGE = 200
"""Products that are read, written and forgotten together."""

ONE_MERCHANT = (ExportFormat.SHOPIFY, ExportFormat.GOOGLE_XML, ExportFormat.GOOGLE_TABLE)
"""Formats that cannot say whose goods they hold."""

UNCOUNTED = Level(0, 0, 0)


class Out(Protocol):
    """Writes one format."""

    def start(self) -> str: ...

    def rows(self, going: Going) -> str: ...

    def end(self) -> str: ...


OUTS: dict[ExportFormat, Callable[[Assortment], Out]] = {
    ExportFormat.JSON_LINES: JsonOut,
    ExportFormat.TABLE: TableOut,
    ExportFormat.SHOPIFY: ShopifyOut,
    ExportFormat.GOOGLE_XML: GoogleXmlOut,
    ExportFormat.GOOGLE_TABLE: GoogleTableOut,
}


class FileExporter:
    """Implements `contract.Exporter`. `address` is where the shop is, for links and pictures."""

    def __init__(self, database: Database, tallies: Tallies, address: str) -> None:
        self._database = database
        self._tallies = tallies
        self._address = address

    async def export(self, request: ExportRequest) -> AsyncIterator[bytes]:
        merchant = await self._merchant(request)
        async with self._database.read() as connection:
            owner = merchant.id if merchant else None
            codes = await exports.places(connection, owner)
            assortment = Assortment(
                address=self._address,
                merchant=merchant,
                language=request.language,
                currency=request.currency,
                languages=tuple(await exports.languages(connection, owner)),
                currencies=tuple(await exports.currencies(connection, owner)),
                places=tuple(dict.fromkeys(codes.values())),
            )
        out = OUTS[request.format](assortment)
        yield out.start().encode()
        after = ""
        while True:
            async with self._database.read() as connection:
                found = await exports.page(connection, owner, after, PAGE)
                going = await self._going(connection, [id_ for _, id_ in found], codes)
            if not found:
                break
            yield "".join(map(out.rows, going)).encode()
            after = found[-1][0]
        yield out.end().encode()

    async def _merchant(self, request: ExportRequest) -> Merchant | None:
        if request.language not in LANGUAGES:
            raise InvalidInput(f"Use one of the languages {', '.join(LANGUAGES)}.", field="language")
        if not known_currency(request.currency):
            raise InvalidInput(f"{request.currency[:40]!r} is not a currency, such as EUR.", field="currency")
        if request.merchant is None:
            if request.format in ONE_MERCHANT:
                raise InvalidInput(
                    f"A file of the kind {request.format} holds the goods of one merchant; say which.", field="merchant"
                )
            return None
        async with self._database.read() as connection:
            found = await directory.merchants(connection, [request.merchant])
        if not found:
            raise NotFound(f"There is no merchant {request.merchant[:80]!r}.", field="merchant")
        return found[0]

    async def _going(self, connection: Connection, wanted: Sequence[UUID], codes: dict[UUID, str]) -> list[Going]:
        """The products with what was counted of them: units that are on the shelf and not sold."""
        found = await products.products(connection, wanted, masters=False)
        lots = [lot for product in found.values() for variant in product.variants for lot in variant.stock]
        levels = await self._tallies.levels(connection, [lot.tally for lot in lots])
        going: list[Going] = []
        for id_ in wanted:
            if id_ not in found:
                continue
            stock: dict[UUID, dict[str, int]] = {}
            for variant in found[id_].variants:
                for lot in variant.stock:
                    level = levels.get(lot.tally, UNCOUNTED)
                    if lot.place in codes:
                        stock.setdefault(variant.id, {})[codes[lot.place]] = level.capacity - level.spent
            going.append(Going(found[id_], stock))
        return going
