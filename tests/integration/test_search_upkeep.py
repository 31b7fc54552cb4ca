"""What search knows follows the shop: goods, stock, sales, merchants, categories; and a rebuild changes nothing."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import ImportFormat
from nightmarket.claims.contract import ClaimLine, Make, Owner, Wanted, What, digest
from nightmarket.discovery.contract import Ask, Filters, Sort
from nightmarket.discovery.errors import NothingToIndex
from nightmarket.discovery.store import documents, queues
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import OrdersPlaced, PlacedLine
from nightmarket.tally.contract import Adjustment
from tests.conftest import FESTIVAL_EVE
from tests.search_stalls import CATEGORIES, bring_in, catch_up, goods, product_of, search, stalls

pytestmark = pytest.mark.engine


@pytest.fixture
async def shop(fresh_database: str, home: Path) -> AsyncGenerator[Shop]:
    async with stalls(fresh_database, home, VirtualClock(FESTIVAL_EVE)) as opened:
        yield opened


async def change(shop: Shop, home: Path, *rows: object) -> None:
    await bring_in(shop, home, "changed.jsonl", rows, ImportFormat.JSON_LINES)
    await catch_up(shop)


async def set_stock(shop: Shop, sku: str, delta: int, cause: str = "counted") -> None:
    variant = await shop.catalog.find("corner", sku)
    assert variant is not None
    [stock] = (await shop.catalog.listings([variant]))[variant].stock
    async with shop.database.transaction() as tx:
        change = Adjustment(derive("t", sku, delta, cause), stock.tally, delta, cause)
        done = await shop.tallies.adjust(tx, [change], shop.clock.now())
    assert all(done.values())


async def sell(shop: Shop, sku: str, units: int) -> None:
    product = await product_of(shop, "corner", sku)
    line = PlacedLine(derive("v", sku), product, derive("m", 1), units, 100)
    placed = OrdersPlaced(derive("o", sku, units), derive("b", 1), 1, "EUR", 100, "DE", (line,))
    async with shop.database.transaction() as tx:
        await shop.facts.append(tx, [placed], shop.clock.now())


async def everything(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    """All that search reads, by names instead of numbers."""
    async with shop.database.read() as connection:
        documents = await connection.fetch(
            """
            SELECT d.id, d.products, d.merchants, d.prices, d.in_stock, d.codes, d.match_en::text, d.match_zh::text,
                d.rank_de::text, (SELECT array_agg(t.facet || t.value ORDER BY 1) FROM discovery.term AS t
                    WHERE t.id = ANY(d.terms)) AS terms
            FROM discovery.document AS d ORDER BY d.id
            """
        )
        words = await connection.fetch("SELECT * FROM discovery.word ORDER BY language, word")
    return {"documents": [tuple(row.values()) for row in documents], "words": [tuple(row.values()) for row in words]}


async def test_changed_words_are_found_and_old_ones_forgotten(shop: Shop, home: Path) -> None:
    """A new title is found, the old one no more, and the vocabulary forgets words that nothing says."""
    await change(shop, home, goods("couch", "Corduroy Chaise", category="home", merchant="pans", sku="SF-2000"))
    assert await search(shop, "chaise") == ["Corduroy Chaise"]
    assert await search(shop, "velvet") == []
    assert not (await shop.search.search(Ask(text="velvett"))).corrected


async def test_upkeep_ends_where_a_rebuild_ends(shop: Shop, home: Path) -> None:
    """After many changes documents and vocabulary are the same as made from nothing."""
    await change(shop, home, goods("couch", "Corduroy Chaise", category="home", merchant="pans", sku="SF-2000"))
    await change(shop, home, goods("lamp", "Standing Lamp", brand="Nord", price="70.00", attributes={"colour": "red"}))
    await change(shop, home, goods("new", "Brass Bell", category="home"))
    followed = await everything(shop)
    assert await shop.indexer.rebuild() == 13
    assert await everything(shop) == followed


async def test_goods_that_are_there_before_search_are_found_by_themselves(shop: Shop) -> None:
    """After a migration nobody has to do anything: the first look finds that nothing was built and marks all."""
    async with shop.database.transaction() as tx:
        await tx.execute("DELETE FROM discovery.built")
        await tx.execute("DELETE FROM discovery.document")
        await tx.execute("DELETE FROM discovery.word")
    assert isinstance(shop.clock, VirtualClock)
    shop.clock.advance(timedelta(minutes=1))
    await catch_up(shop)
    assert await search(shop, "sofa") == ["Velvet Couch"]


async def test_new_categories_reach_all_goods(shop: Shop, home: Path) -> None:
    """A category that gets another parent or name takes its goods along without a change of theirs."""
    moved = [one | {"parent": "clothing"} if one["slug"] == "kitchen" else one for one in CATEGORIES]
    await bring_in(shop, home, "categories.json", moved, ImportFormat.CATEGORIES)
    assert isinstance(shop.clock, VirtualClock)
    shop.clock.advance(timedelta(minutes=1))
    await catch_up(shop)
    assert (await shop.search.search(Ask(scope=("category", "clothing")))).total == 5


async def test_sold_out_and_back_again(shop: Shop) -> None:
    """What the last unit was taken of sinks; when units come back it rises, by a count or by itself."""
    await set_stock(shop, "LANTERN", -5)
    await catch_up(shop)
    assert await search(shop, "lantern", filters=Filters(in_stock=True)) == []
    await set_stock(shop, "LANTERN", 3)
    await catch_up(shop)
    assert await search(shop, "lantern", filters=Filters(in_stock=True)) == ["Paper Lantern"]
    await set_stock(shop, "RARE", 2, "opened")
    assert await shop.indexer.restock() == 1
    assert len(await search(shop, "lantern", filters=Filters(in_stock=True))) == 2


async def test_what_another_shop_claims_sinks_too(shop: Shop) -> None:
    """When another shop holds the last units, search knows that they are gone, and counts them as asked for."""
    variant = await shop.catalog.find("corner", "LANTERN")
    assert variant is not None
    listing = (await shop.catalog.listings([variant]))[variant]
    line = ClaimLine(What.GOODS, "LANTERN", 5, variant, listing.product, listing.merchant)
    owner, tallies = Owner(shop.ids.new()), tuple(stock.tally for stock in listing.stock)
    wanted = Make(
        id=shop.ids.new(),
        owner=owner,
        reference="A-1",
        request=digest("the last five"),
        hold_seconds=60,
        wanted=(Wanted(line, tallies),),
    )
    await shop.claims.make(wanted)
    await catch_up(shop)
    assert await search(shop, "lantern", filters=Filters(in_stock=True)) == []
    assert (await search(shop, "", sort=Sort.BEST_SELLING))[0] == "Paper Lantern"
    await shop.claims.release(owner, wanted.id)
    assert await shop.indexer.restock() == 1
    assert await search(shop, "lantern", filters=Filters(in_stock=True)) == ["Paper Lantern"]


async def test_what_sells_rises_for_thirty_days(shop: Shop) -> None:
    """Best-sellers come first among equals, and are forgotten when their sales are old."""
    assert (await search(shop, "shade"))[0] == "Lamp Shade"
    before = await search(shop, "", sort=Sort.BEST_SELLING)
    assert before[0] != "Lamp Shade"
    await sell(shop, "SHADE", 40)
    await catch_up(shop)
    assert (await search(shop, "", sort=Sort.BEST_SELLING))[0] == "Lamp Shade"
    assert (await search(shop, ""))[0] == "Lamp Shade"
    assert isinstance(shop.clock, VirtualClock)
    shop.clock.advance(timedelta(days=32))
    while await shop.indexer.sweep():
        pass
    await catch_up(shop)
    assert await search(shop, "", sort=Sort.BEST_SELLING) == before


async def test_goods_of_a_closed_merchant_are_gone(shop: Shop) -> None:
    """When a stall closes its goods leave search; what others sell too stays, with theirs in front."""
    pans = next(one for one in await shop.catalog.merchants() if one.slug == "pans")
    async with shop.database.transaction() as tx:
        await tx.execute("UPDATE catalog.merchant SET state = 'closed' WHERE id = $1", pans.id)
        await shop.indexer.mark_merchants(tx, [pans.id])
    await catch_up(shop)
    assert await search(shop, "sofa") == []
    found = await shop.search.search(Ask(text="wok"))
    assert [hit.merchants for hit in found.hits] == [1]


async def test_goods_that_are_withdrawn_are_gone(shop: Shop, home: Path) -> None:
    """A product that is no longer live is not found, nor counted."""
    await change(shop, home, goods("iron", "Travel Iron", category="home", merchant="pans", state="withdrawn"))
    assert await search(shop, "travel") == []


async def test_two_indexers_do_not_meet(shop: Shop) -> None:
    """The worker and a rebuild at the same time: each product once, nothing lost, no deadlock."""
    before = await everything(shop)
    await shop.indexer.mark_everything()
    await asyncio.gather(shop.indexer.rebuild(), *(shop.indexer.step() for _ in range(4)))
    async with shop.database.read() as connection:
        assert await shop.indexer.waiting(connection) == 0
    assert await everything(shop) == before


async def test_master_that_parts_leaves_two_documents(shop: Shop, home: Path) -> None:
    """When goods turn out to be different things, each has its card."""
    assert len((await shop.search.search(Ask(text="wok"))).hits) == 1
    await change(shop, home, goods("wok2", "Cast-Iron Wok", category="kitchen", gtin="9780131103627"))
    assert [hit.merchants for hit in (await shop.search.search(Ask(text="wok"))).hits] == [1, 1]


async def test_an_empty_shop_has_nothing_to_index(fresh_database: str, home: Path) -> None:
    """A rebuild says so instead of waiting."""
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.settings import Settings
    from tests.search_stalls import SECRET

    async with open_shop(Settings(database_url=fresh_database, secret=SECRET, home=home)) as empty:
        with pytest.raises(NothingToIndex):
            await empty.indexer.rebuild()
        assert (await empty.search.search(Ask(text="lamp"))).hits == ()


async def test_a_change_while_indexing_is_not_lost(shop: Shop) -> None:
    """What changes after it was read and before it is written waits to be indexed again."""
    product = await product_of(shop, "corner", "LAMP")
    async with shop.database.transaction() as tx:
        await queues.mark_changed(tx, [product], shop.clock.now())
        read = await documents.changed(tx, 10)
        await queues.mark_changed(tx, [product], shop.clock.now())
        await documents.done(tx, read)
        assert await queues.waiting(tx) == 1
        await documents.done(tx, await documents.changed(tx, 10))
        assert await queues.waiting(tx) == 0


async def test_no_more_is_taken_than_was_asked_for(shop: Shop) -> None:
    """Also while the planner believes that the queue is empty: it once took more, and two seconds for them, in which
    its transaction held all facts back."""
    products = [derive("product", number) for number in range(8_000)]
    async with shop.database.transaction() as tx:
        await queues.touch(tx, products[:5])
    async with shop.database.transaction() as older, shop.database.committing() as alone:
        await queues.waiting(older)
        await queues.take_touched(alone, 5)
        await alone.execute("VACUUM (ANALYZE) discovery.touched")  # finds pages, and on them nobody that counts
    async with shop.database.transaction() as tx:
        await queues.touch(tx, products)
    async with shop.database.transaction() as tx:
        taken = await queues.take_touched(tx, 500)
        assert len(taken) == 500
        assert len({*taken, *await queues.take_touched(tx, 8_000)}) == 8_000
