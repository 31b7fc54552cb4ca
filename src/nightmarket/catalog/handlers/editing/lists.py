"""What those who look after goods see of them, in whatever state they are."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract import Entry, Product, ProductState
from nightmarket.catalog.store import entries
from nightmarket.catalog.store import products as stored
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

MOST_ENTRIES = 500
MAX_SEARCH_LETTERS = 100


async def product(connection: Connection, wanted: UUID) -> Product | None:
    """One product, without its master."""
    return (await stored.products(connection, [wanted], masters=False)).get(wanted)


async def products(
    connection: Connection,
    merchant: UUID | None,
    state: ProductState | None,
    words: str,
    page: tuple[str, int],
) -> Sequence[Entry]:
    """A page of products by slug; `page` is the slug it begins after, and how many."""
    if not 1 <= page[1] <= MOST_ENTRIES:
        raise InvalidInput(f"Ask for 1 to {MOST_ENTRIES} products.", field="limit")
    return await entries.entries(connection, merchant, state, words.strip()[:MAX_SEARCH_LETTERS], page)
