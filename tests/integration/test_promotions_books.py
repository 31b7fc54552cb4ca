"""Offers on the real engine: published as numbered revisions, refused with reasons, rebuilt as any book."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.kernel.ids import SeededIds, SystemIds
from nightmarket.platform import facts as log
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Cursor, Facts
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Condition,
    Offer,
    OfferPublished,
    OfferRetired,
    PercentOff,
    PriceCart,
    PriceLine,
    Shopper,
    offer_of,
    price,
    uses_tally,
)
from nightmarket.promotions.errors import (
    BookNotFound,
    CodeTaken,
    OfferNotFound,
    OfferRefused,
    RevisionTaken,
    TooManyOffers,
    UsesTaken,
)
from nightmarket.promotions.handlers import StoredBooks, StoredOffers
from nightmarket.promotions.model.mapped import PackedBook
from nightmarket.promotions.model.packing import Packer, finish
from nightmarket.promotions.store import offers as store
from nightmarket.tally.contract import ClaimRequest, Part
from nightmarket.tally.handlers import SlicedTallies

pytestmark = pytest.mark.engine

KINDS = [OfferPublished.kind, OfferRetired.kind]
LINE = PriceLine("a", UUID(int=21), UUID(int=11), UUID(int=1), "lamps", "Lumo", 1, 4000)
CART = PriceCart("EUR", (LINE,))


class Shop:
    """One process of the shop."""

    def __init__(self, database: Database, clock: VirtualClock, ids: SeededIds | SystemIds) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.tallies = SlicedTallies(Facts(ids), ids)
        self.offers = StoredOffers(Facts(ids), self.tallies)
        self.books = StoredBooks(database)

    def offer(self, **fields: object) -> Offer:
        now = self.clock.now()
        plain = Offer(self.ids.new(), 1, {"en": "Offer"}, PercentOff(1000), now, now + timedelta(days=2))
        return msgspec.structs.replace(plain, **fields)

    async def publish(self, *offers: Offer) -> int:
        async with self.database.transaction() as tx:
            return await self.offers.publish(tx, offers, self.clock.now())

    async def retire(self, *offers: UUID) -> int:
        async with self.database.transaction() as tx:
            return await self.offers.retire(tx, offers, self.clock.now())

    async def told(self, kind: str) -> list[tuple[int, dict[str, object]]]:
        async with self.database.read() as connection:
            facts = await log.read(connection, Cursor(), [kind])
        return [(int(str(thing["book"])), thing) for fact in facts for thing in fact.plain()]

    async def capacity(self, offer: Offer) -> tuple[int, int]:
        """Capacity of the offer's own tally and the number of its slices."""
        query = "SELECT coalesce(sum(capacity), 0)::int, count(*)::int FROM tally.slice WHERE tally = $1"
        async with self.database.read() as connection:
            row = await connection.fetchrow(query, uses_tally(offer.id))
        assert row is not None
        return row[0], row[1]


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    yield Shop(database, clock, ids)
    await database.close()


async def test_no_merchant_fills_the_book(shop: Shop) -> None:
    """What one merchant has live is bounded, whoever publishes it; another's offers and later revisions are not."""
    one, other = UUID(int=1), UUID(int=2)
    offers = StoredOffers(Facts(shop.ids), shop.tallies, most_of_merchant=2)

    async def publish(*deals: Offer) -> int:
        async with shop.database.transaction() as tx:
            return await offers.publish(tx, deals, shop.clock.now())

    first, second = shop.offer(funder=one), shop.offer(funder=one, code="SECOND")
    await publish(first, second)
    with pytest.raises(TooManyOffers) as refused:
        await publish(shop.offer(funder=other), shop.offer(funder=one))
    assert (refused.value.fields["limit"], refused.value.fields["merchant"]) == (2, one)
    await publish(shop.offer(funder=other), shop.offer(), msgspec.structs.replace(first, revision=2))
    await shop.retire(second.id)
    await publish(shop.offer(funder=one))


async def test_each_publication_is_a_book_that_can_be_rebuilt(shop: Shop) -> None:
    """Books are numbered from 1; later revisions and retirements leave earlier books and their prices as they were."""
    assert await shop.books.refresh() == Book(0)
    first = shop.offer()
    assert await shop.publish(first) == 1
    stored = price(CART, await shop.books.refresh(), Shopper(), shop.clock.now())
    assert stored.total == 3600
    dearer = msgspec.structs.replace(first, revision=2, effect=PercentOff(500))
    second = shop.offer(effect=AmountOff({"EUR": 100}))
    assert await shop.publish(dearer, second) == 3
    assert price(CART, await shop.books.refresh(), Shopper(), shop.clock.now()).total == 3700
    assert await shop.retire(first.id) == 4
    assert (await shop.books.refresh()).offers == (second,)
    assert price(CART, await shop.books.at(stored.book), Shopper(), shop.clock.now()) == stored
    assert [(await shop.books.at(number)).offers for number in range(5)] == [
        (),
        (first,),
        (dearer,),
        tuple(sorted((dearer, second), key=lambda offer: offer.id)),
        (second,),
    ]
    for number in (5, -1):
        with pytest.raises(BookNotFound):
            await shop.books.at(number)


async def test_a_book_is_the_same_read_at_once_or_step_by_step(shop: Shop) -> None:
    """A process that has followed along has the very book that a new one reads, and keeps it when nothing is new."""
    following = StoredBooks(shop.database)
    offers = [
        shop.offer(condition=Condition(segments=frozenset({"b", "a"})), name={"en": "x", "zh": "夜"}) for _ in range(6)
    ]
    for place, offer in enumerate(offers):
        await shop.publish(offer)
        if place % 2:
            await shop.retire(offers[place - 1].id)
        await following.refresh()
    book = await StoredBooks(shop.database).refresh()
    assert book == following.current() == await shop.books.at(book.number)
    assert book.number == 9
    assert await following.refresh() is following.current()


async def test_facts_tell_each_offer_and_book(shop: Shop) -> None:
    """Publishing and retiring append their facts in the same transaction: refused work tells nothing."""
    one, two = shop.offer(), shop.offer()
    await shop.publish(one, two)
    await shop.retire(two.id)
    with pytest.raises(OfferRefused):
        await shop.publish(shop.offer(), shop.offer(name={}))
    published = await shop.told(OfferPublished.kind)
    assert published == [
        (1, {"offer": str(one.id), "revision": 1, "book": 1}),
        (2, {"offer": str(two.id), "revision": 1, "book": 2}),
    ]
    assert await shop.told(OfferRetired.kind) == [(3, {"offer": str(two.id), "book": 3})]
    assert (await shop.books.refresh()).number == 3


async def test_wrong_offers_are_refused_with_field_and_reason(shop: Shop) -> None:
    """The whole publication is refused, the field says which offer, and every flaw is listed."""
    with pytest.raises(OfferRefused) as refused:
        await shop.publish(shop.offer(), shop.offer(effect=PercentOff(10_001), name={"en": ""}))
    assert refused.value.field == "offers[1].name.en"
    assert refused.value.fields["reason"] == "empty"
    assert [flaw["field"] for flaw in refused.value.fields["flaws"]] == ["name.en", "effect.basis_points"]
    twice = shop.offer()
    with pytest.raises(OfferRefused):
        await shop.publish(twice, twice)
    assert (await shop.books.refresh()).number == 0


async def test_a_revision_is_published_once_and_in_turn(shop: Shop) -> None:
    """Who changes an offer that someone else has changed is told the revision that may come next."""
    first = shop.offer()
    with pytest.raises(RevisionTaken):
        await shop.publish(msgspec.structs.replace(first, revision=2))
    await shop.publish(first)
    for revision in (1, 3):
        with pytest.raises(RevisionTaken) as refused:
            await shop.publish(msgspec.structs.replace(first, revision=revision))
        assert refused.value.fields["expected"] == 2
    await shop.retire(first.id)
    await shop.publish(msgspec.structs.replace(first, revision=2))
    assert [offer.revision for offer in (await shop.books.refresh()).offers] == [2]


async def test_a_code_belongs_to_one_live_offer_at_a_time(shop: Shop) -> None:
    """Taken while windows overlap, also within one publication; free once retired, changed away, or at another time."""
    holder = shop.offer(code="OWL")
    await shop.publish(holder)
    rival = shop.offer(code="owl")
    with pytest.raises(CodeTaken) as refused:
        await shop.publish(rival)
    assert refused.value.fields["other"] == holder.id
    later = shop.offer(code="OWL", starts_at=holder.ends_at, ends_at=holder.ends_at + timedelta(days=1))
    await shop.publish(later)
    with pytest.raises(CodeTaken):
        await shop.publish(shop.offer(code="NEW"), shop.offer(code="new"))
    await shop.publish(
        msgspec.structs.replace(holder, revision=2), rival := msgspec.structs.replace(rival, code="MOTH")
    )
    await shop.retire(holder.id)
    await shop.publish(msgspec.structs.replace(rival, revision=2, code="owl"))


async def test_only_published_offers_are_retired(shop: Shop) -> None:
    """An unknown offer, and one that is retired already, are refused; nothing else of the list is retired either."""
    offer = shop.offer()
    await shop.publish(offer)
    with pytest.raises(OfferNotFound):
        await shop.retire(offer.id, UUID(int=404))
    assert await shop.retire(offer.id, offer.id) == 2
    with pytest.raises(OfferNotFound):
        await shop.retire(offer.id)


async def test_a_cap_opens_a_tally_and_later_revisions_change_it(shop: Shop) -> None:
    """A small cap is one slice, one of a thousand is eight; it can grow, and shrink to what is taken but not below."""
    small, large = shop.offer(max_uses=10), shop.offer(max_uses=1003)
    await shop.publish(small, large)
    assert (await shop.books.refresh()).offers[0].uses == uses_tally(small.id)
    assert (await shop.capacity(small), await shop.capacity(large)) == ((10, 1), (1003, 8))
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        ledger = await shop.tallies.lock(tx, [uses_tally(small.id)])
        request = ClaimRequest(shop.ids.new(), (Part(uses_tally(small.id), 4),), now + timedelta(minutes=5))
        ledger.claim(request)
        await shop.tallies.write(tx, ledger, now)
    await shop.publish(msgspec.structs.replace(small, revision=2, max_uses=12))
    assert await shop.capacity(small) == (12, 1)
    with pytest.raises(UsesTaken):
        await shop.publish(msgspec.structs.replace(small, revision=3, max_uses=3))
    await shop.publish(msgspec.structs.replace(small, revision=3, max_uses=4))
    assert await shop.capacity(small) == (4, 1)
    assert len((await shop.books.refresh()).offers) == 2


async def test_books_have_no_gaps_however_many_publish_at_once(shop: Shop, fresh_database: str) -> None:
    """Forty publications through the pools of two processes, eight of them undone at the end: 1 to 32, each once."""
    other = await Database.open(fresh_database)
    second = Shop(other, shop.clock, SystemIds(SystemClock()))

    async def publish(process: Shop, fails: bool) -> None:
        offer = process.offer()
        async with process.database.transaction() as tx:
            await process.offers.publish(tx, [offer], process.clock.now())
            if fails:
                raise OfferRefused("changed my mind")

    work = [publish((shop, second)[turn % 2], turn % 5 == 0) for turn in range(40)]
    results = await asyncio.gather(*work, return_exceptions=True)
    await other.close()
    assert [type(result) for result in results if result is not None] == [OfferRefused] * 8
    published = await shop.told(OfferPublished.kind)
    assert sorted(number for number, _ in published) == list(range(1, 33))
    assert (await shop.books.refresh()).number == 32


def _names(book: Book) -> list[str]:
    return [offer.name["en"] for offer in book.offers]


async def test_offers_exclude_nobody_in_a_circle_through_published_ones(shop: Shop) -> None:
    """A circle that a new offer would close through others is refused and named; a chain is not."""
    first, second, third = (shop.offer(name={"en": name}) for name in ("First", "Second", "Third"))
    second = msgspec.structs.replace(second, not_with=frozenset({first.id}))
    third = msgspec.structs.replace(third, not_with=frozenset({second.id}))
    await shop.publish(first, second, third)
    closing = msgspec.structs.replace(first, revision=2, not_with=frozenset({third.id}))
    with pytest.raises(OfferRefused) as refused:
        await shop.publish(closing)
    assert refused.value.fields["reason"] == "circular"
    assert set(refused.value.fields["circle"]) == {first.id, second.id, third.id}
    await shop.retire(second.id)
    await shop.publish(closing)


async def test_what_was_added_since_a_book_is_counted(shop: Shop) -> None:
    """New, changed, retired and published again: the difference of two books is that of all offers of each."""
    kept, gone = shop.offer(), shop.offer()
    await shop.publish(kept, gone)
    async with shop.database.transaction() as tx:
        book, before = await store.newest(tx), await store.count_live(tx)
    await shop.publish(msgspec.structs.replace(kept, revision=2), shop.offer(), shop.offer())
    await shop.retire(gone.id)
    async with shop.database.transaction() as tx:
        assert await store.count_live(tx) == before + 1
        assert await store.count_added(tx, book) == 1
    await shop.publish(msgspec.structs.replace(gone, revision=2))
    async with shop.database.transaction() as tx:
        assert await store.count_added(tx, book) == 2
        assert await store.count_added(tx, 0) == await store.count_live(tx)


async def test_large_books_are_folded_into_a_file_that_processes_map(shop: Shop, tmp_path: Path) -> None:
    """Changes beyond the bound go to a file; what comes later lies above it; a torn file is made anew."""
    first = StoredBooks(shop.database, tmp_path, fold_from=3)
    plain = StoredBooks(shop.database)
    await first.refresh()
    deals = [shop.offer(name={"en": f"Deal {number}"}) for number in range(6)]
    await shop.publish(*deals)
    await first.refresh()
    await first.settled()
    file = tmp_path / "current.book"
    assert file.exists()
    assert not [left for left in tmp_path.iterdir() if left.name.startswith("making-")]
    await shop.retire(deals[0].id)
    more = shop.offer(name={"en": "Later"})
    await shop.publish(more, msgspec.structs.replace(deals[1], revision=2, name={"en": "Deal 1 again"}))
    second = StoredBooks(shop.database, tmp_path, fold_from=10**6)
    for books in (first, second):
        book, wanted = await books.refresh(), await plain.refresh()
        assert book.number == wanted.number
        assert tuple(book.offers) == wanted.offers
        assert len(book.offers) == len(wanted.offers)
        assert offer_of(book, deals[0].id) is None
        again = offer_of(book, deals[1].id)
        assert again is not None
        assert again.revision == 2
        assert price(CART, book, Shopper(), shop.clock.now()) == price(CART, wanted, Shopper(), shop.clock.now())
        await books.close()
    assert second.current().offers.__class__ is not tuple
    old = await first.at(wanted.number - 1)
    assert tuple(old.offers) == (await plain.at(wanted.number - 1)).offers
    file.write_bytes(file.read_bytes()[:-1])
    third = StoredBooks(shop.database, tmp_path, fold_from=3)
    assert tuple((await third.refresh()).offers) == wanted.offers
    assert PackedBook(memoryview(file.read_bytes())).head.number >= 6
    await third.close()


async def test_a_file_of_another_database_is_not_believed(shop: Shop, tmp_path: Path) -> None:
    """A home that was moved, or a database that was set back, does not bring offers of elsewhere."""
    await shop.publish(*[shop.offer() for _ in range(3)])
    number = (await StoredBooks(shop.database).refresh()).number
    with (tmp_path / "current.book").open("wb") as file:
        packer = Packer(file)
        packer.add(shop.offer(name={"en": "Elsewhere"}))
        finish(packer, file.tell(), number, "another stamp", file)
    books = StoredBooks(shop.database, tmp_path)
    assert "Elsewhere" not in _names(await books.refresh())
    await books.close()
