"""Search on a real database: words in four languages, mistakes, filters, counts, order."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmarket.bootstrap import Shop
from nightmarket.discovery.contract import Ask, Filters, Found, Sort
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from tests.conftest import reachable_folder
from tests.search_stalls import search, stalls, titles

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def shop(database: str) -> AsyncGenerator[Shop]:
    async with stalls(database, reachable_folder("search") / "home") as opened:
        yield opened


def counts(found: Found, key: str) -> dict[str, int]:
    facet = next((one for one in found.facets if one.key == key), None)
    return {term.value: term.goods for term in facet.terms} if facet else {}


async def test_words_are_found_in_any_form(shop: Shop) -> None:
    """Plural, capitals and accents make no difference; all words must be there."""
    assert await search(shop, "lanterns") == ["Paper Lantern", "Rare Lantern"]
    assert await search(shop, "PAPER lantern") == ["Paper Lantern"]
    assert (await search(shop, "kuche", "de"))[:1] == await search(shop, "Küche", "de", hits=1)


async def test_title_counts_more_than_description(shop: Shop) -> None:
    """`iron` finds the iron before what is made of iron."""
    assert (await search(shop, "iron"))[0] == "Travel Iron"
    assert "Cast-Iron Wok" in await search(shop, "iron")


async def test_mistake_is_put_right_and_said(shop: Shop) -> None:
    """`lantren` shows lanterns and says so; asked for exactly, it finds nothing but names near words."""
    found = await shop.search.search(Ask(text="papper lantren"))
    assert found.corrected
    assert found.text == "paper lantern"
    assert await titles(shop, found) == ["Paper Lantern"]
    exactly = await shop.search.search(Ask(text="lantren", exact=True))
    assert exactly.hits == ()
    assert not exactly.corrected
    assert "lantern" in exactly.nearest


async def test_synonyms_hold_both_ways(shop: Shop) -> None:
    """Who says sofa finds the couch, in the plural too."""
    assert await search(shop, "sofa") == ["Velvet Couch"]
    assert await search(shop, "settees") == ["Velvet Couch"]


async def test_chinese_is_found_by_parts(shop: Shop) -> None:
    """Any two letters that stand together are found, single ones too, and Latin words beside them."""
    assert await search(shop, "灯笼", "zh") == ["Paper Lantern"]
    assert await search(shop, "竹编", "zh") == ["Paper Lantern"]
    assert set(await search(shop, "灯", "zh")) == {"Paper Lantern", "Standing Lamp"}
    assert await search(shop, "炒锅 led", "zh") == ["Cast-Iron Wok"]
    assert await search(shop, "灯笼", "en") == ["Paper Lantern"], "whatever the page's language"


async def test_chinese_word_that_is_not_quite_there_finds_what_is_near(shop: Shop) -> None:
    """Words run together find goods that have a part of them, and the page can say so."""
    found = await shop.search.search(Ask(text="复古灯笼", language="zh"))
    assert found.relaxed
    assert await titles(shop, found) == ["Paper Lantern"]


async def test_german_compounds_are_found_by_their_parts(shop: Shop) -> None:
    """`Lampe` finds lamps within longer words, at the beginning and at the end; an unknown compound what it ends in."""
    assert set(await search(shop, "Lampe", "de")) == {"Standing Lamp", "Lamp Shade"}
    assert await search(shop, "Papierwok", "de") == []
    assert await search(shop, "Velvetwok", "de") == ["Cast-Iron Wok"]


async def test_words_written_together_and_apart(shop: Shop) -> None:
    """Whoever writes `tea pot` finds teapots too; a word that nothing has is looked for in its two parts."""
    assert set(await search(shop, "tea pot")) == {"Tea Pot of Clay", "Teapot of Glass"}
    assert await search(shop, "silkscarf") == ["Silk Scarf"]


async def test_other_languages_help_out(shop: Shop) -> None:
    """A word of another language is found when the visitor's own has nothing like it."""
    found = await shop.search.search(Ask(text="Leinenhemd", language="it"))
    assert await titles(shop, found) == ["Linen Shirt"]
    assert found.language == "de"


async def test_codes_come_first(shop: Shop) -> None:
    """A SKU or GTIN finds just its goods, whatever its case and spaces."""
    assert await search(shop, "sf-2000") == ["Velvet Couch"]
    assert (await search(shop, "4006381333931"))[0] == "Cast-Iron Wok"
    assert (await search(shop, "4006 3813 33931"))[0] == "Cast-Iron Wok"


async def test_phrases_and_words_to_leave_out(shop: Shop) -> None:
    """Words in quotes must stand together, words behind a minus must be absent."""
    assert await search(shop, '"cast iron"') == ["Cast-Iron Wok"]
    assert set(await search(shop, "cast iron")) == {"Cast-Iron Wok", "Travel Iron"}
    assert await search(shop, "lantern -rare") == ["Paper Lantern"]


async def test_some_of_the_words_are_better_than_nothing(shop: Shop) -> None:
    """When nothing has all words, goods with some come, and the answer says that it is so."""
    found = await shop.search.search(Ask(text="silk lantern"))
    assert found.relaxed
    assert {"Silk Scarf", "Paper Lantern"} <= set(await titles(shop, found))


async def test_the_same_thing_is_one_card(shop: Shop) -> None:
    """What two merchants sell is one hit at two merchants, its cheapest in front, or the one of the stall asked for."""
    found = await shop.search.search(Ask(text="wok"))
    assert [hit.merchants for hit in found.hits] == [2]
    [card] = await shop.catalog.cards_of([found.hits[0].product])
    assert card.prices_from == {"EUR": 3_800}
    pans = next(one for one in await shop.catalog.merchants() if one.slug == "pans")
    theirs = await shop.search.search(Ask(text="wok", scope=("merchant", "pans"), merchant=pans.id))
    [card] = await shop.catalog.cards_of([theirs.hits[0].product])
    assert card.merchant == pans.id


async def test_sold_out_sinks_but_is_found(shop: Shop) -> None:
    """What cannot be had comes last, and is left out only when that is asked for."""
    assert (await search(shop, "lantern"))[-1] == "Rare Lantern"
    assert await search(shop, "lantern", filters=Filters(in_stock=True)) == ["Paper Lantern"]
    assert (await search(shop, ""))[-1] == "Rare Lantern"


async def test_each_facet_is_counted_with_the_others_applied(shop: Shop) -> None:
    """A chosen value narrows the counts of other facets, not those of its own."""
    everything = await shop.search.search(Ask())
    assert counts(everything, "a.colour") == {"red": 2, "blue": 2}
    red = await shop.search.search(Ask(filters=Filters(terms={"a.colour": ("red",)})))
    assert red.total == 2
    assert counts(red, "a.colour") == {"red": 2, "blue": 2}
    assert counts(red, "brand") == {"nord": 1, "sud": 1}
    both = await shop.search.search(Ask(filters=Filters(terms={"a.colour": ("red", "blue"), "brand": ("nord",)})))
    assert both.total == 2
    assert counts(both, "a.colour") == {"red": 1, "blue": 1}
    assert counts(both, "brand") == {"nord": 2, "sud": 1}


async def test_counts_are_what_choosing_gives(shop: Shop) -> None:
    """The number beside a value is the number of goods that come when it is chosen."""
    found = await shop.search.search(Ask(text="lamp lantern shade paper standing", language="en"))
    assert found.relaxed
    everything = await shop.search.search(Ask())
    for facet in everything.facets:
        for term in facet.terms:
            chosen = await shop.search.search(Ask(filters=Filters(terms={facet.key: (term.value,)})))
            assert chosen.total == term.goods, (facet.key, term.value)


async def test_categories_hold_what_lies_below(shop: Shop) -> None:
    """A shelf has the goods of those below it, in every tree."""
    home = await shop.search.search(Ask(scope=("category", "home")))
    assert home.total == 9
    assert counts(home, "category")["lighting"] == 4
    presents = await shop.search.search(Ask(scope=("category", "gifts")))
    assert await titles(shop, presents) == ["Paper Lantern"]
    assert (await shop.search.search(Ask(scope=("category", "nowhere")))).hits == ()


async def test_price_range_and_its_bounds(shop: Shop) -> None:
    """Both ends belong to the range; the bounds shown are those without it; other currencies have no prices here."""
    found = await shop.search.search(Ask(filters=Filters(least=2_000, most=8_000)))
    assert set(await titles(shop, found)) == {"Paper Lantern", "Standing Lamp", "Cast-Iron Wok"}
    assert (found.least, found.most) == (1_000, 9_900)
    assert (await shop.search.search(Ask(currency="CNY", filters=Filters(least=1)))).total == 0


async def test_orders(shop: Shop) -> None:
    """By price, both ways, and by age, over all hits."""
    assert (await search(shop, "lantern", sort=Sort.DEAREST)) == ["Rare Lantern", "Paper Lantern"]
    assert (await search(shop, "lantern", sort=Sort.CHEAPEST)) == ["Paper Lantern", "Rare Lantern"]
    assert (await search(shop, "", sort=Sort.DEAREST))[:2] == ["Rare Lantern", "Standing Lamp"]
    assert len(await search(shop, "", sort=Sort.NEWEST)) == len(await search(shop, "", sort=Sort.BEST_SELLING)) == 11


async def test_pages_follow_one_another(shop: Shop) -> None:
    """Turning the pages shows everything once, with and without words."""
    for text in ("", "lantern"):
        seen: list[str] = []
        for page in range(1, 8):
            seen += await search(shop, text, hits=2, page=page)
        assert sorted(seen) == sorted(await search(shop, text))


async def test_on_offer_are_goods_that_an_offer_makes_cheaper(shop: Shop) -> None:
    """The filter follows the book of offers at once; codes and offers that need more do not count."""
    now = shop.clock.now()
    ends = now + timedelta(days=1)
    pots = Offer(
        derive("t", 1), 1, {"en": "Pots"}, PercentOff(1_000), now, ends, Condition(categories=frozenset({"kitchen"}))
    )
    coded = Offer(derive("t", 2), 1, {"en": "All"}, PercentOff(1_000), now, ends, code="ALL10")
    assert (await shop.search.search(Ask(filters=Filters(on_offer=True)))).total == 0
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [pots, coded], now)
    await shop.books.refresh()
    found = await shop.search.search(Ask(filters=Filters(on_offer=True)))
    assert set(await titles(shop, found)) == {"Cast-Iron Wok", "Tea Pot of Clay", "Teapot of Glass"}
    assert (await shop.search.search(Ask(text="tea pot"))).on_offer == 2


async def test_suggestions_begin_as_typed(shop: Shop) -> None:
    """Words and goods that begin like that; nothing for nothing; a mistake still suggests."""
    found = await shop.search.suggest("lan", "en")
    assert found.words[0] == "lantern"
    assert (await shop.catalog.cards_of(found.products))[0].title["en"] == "Paper Lantern"
    assert (await shop.search.suggest("paper lan", "en")).words == ("paper lantern",)
    assert (await shop.search.suggest("", "en")).products == ()
    assert (await shop.search.suggest("lantren", "en")).words == ("lantern",)
    assert len((await shop.search.suggest("灯", "zh")).products) == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60) | st.text(st.sampled_from("ab \"'-|&!:*()<>\\灯.,%_1"), max_size=40),
    st.sampled_from(["en", "zh", "de"]),
)
async def test_nothing_typed_breaks_search(shop: Shop, text: str, language: str) -> None:
    """Whatever is typed, search and suggestions answer."""
    found = await shop.search.search(Ask(text=text, language=language))
    assert found.total >= len(found.hits)
    await shop.search.suggest(text, language)
