"""Goods as files to take away, made while they are sent."""

from collections.abc import AsyncGenerator, AsyncIterator

from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import ExportFormat, ExportRequest
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.kernel.problems import InvalidInput

from .run import download
from .scope import own_slug

FILES = {
    ExportFormat.JSON_LINES: ("jsonl", "application/jsonl; charset=utf-8"),
    ExportFormat.TABLE: ("csv", "text/csv; charset=utf-8"),
    ExportFormat.SHOPIFY: ("csv", "text/csv; charset=utf-8"),
    ExportFormat.GOOGLE_XML: ("xml", "application/xml; charset=utf-8"),
    ExportFormat.GOOGLE_TABLE: ("tsv", "text/tab-separated-values; charset=utf-8"),
}


async def send(desk: Desk) -> ASGIResponse:
    """The file. A merchant's people get their own goods, whatever was asked for."""
    chosen = desk.query("format")
    if chosen not in set(ExportFormat):
        raise InvalidInput(f"Choose one of {', '.join(ExportFormat)}.", field="format")
    merchant = await own_slug(desk) or desk.query("merchant") or None
    request = ExportRequest(
        format=ExportFormat(chosen),
        merchant=merchant,
        language=desk.query("language") or desk.visit.language,
        currency=desk.query("currency").upper() or CURRENCY,
    )
    pieces = desk.shop.exporter.export(request)
    first = await anext(pieces)  # what is wrong with the request shows before the file begins
    ending, kind = FILES[request.format]
    name = f"{merchant or 'all'}-{desk.now:%Y-%m-%d}-{chosen}.{ending}"
    return download(_joined(first, pieces), kind, name)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in rest:
        yield piece
