"""Answers searches and suggestions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from nightmarket.discovery.contract import (
    ATTRIBUTE_PREFIX,
    BRAND,
    CATEGORY,
    MAX_FACETS,
    MAX_FILTER_VALUES,
    MERCHANT,
    PAGE_HITS,
    PAGES,
    Ask,
    FacetCounts,
    Found,
    Hit,
    Suggestions,
    TermCount,
)
from nightmarket.discovery.model.documents import SHELF, Term
from nightmarket.discovery.model.offers import scopes
from nightmarket.discovery.model.plan import Knowledge, Plan, Synonyms, plan
from nightmarket.discovery.model.query import Query, code_of, parse
from nightmarket.discovery.store import finding, terms, vocabulary
from nightmarket.discovery.store.finding import COUNTED, Counts, OfferTerms, Row, Wanted
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.platform.database import Connection, Database
from nightmarket.promotions.contract import Books

from .knowing import REMEMBERED, Frame, Reader, Reading

SUGGESTED_PRODUCTS = 6
SUGGESTED_WORDS = 6
SUGGESTED_LETTERS = 2
"""Below so many nothing is suggested, but for a single Chinese letter."""

FACET_VALUES = 24
"""Values of a facet that are listed, besides those that are chosen."""

LISTS_REMEMBERED = 500
"""Lists without words and filters whose counts a process remembers."""

PINNED = 10
"""Goods with just this SKU or GTIN that are put first."""


class StoredSearch:
    """Implements `contract.Search`."""

    def __init__(self, database: Database, books: Books, clock: Clock) -> None:
        self._database = database
        self._books = books
        self._clock = clock
        self._reader = Reader(clock)
        self._lists: dict[tuple[tuple[str, str] | None, str], tuple[datetime, Counts]] = {}

    async def search(self, ask: Ask) -> Found:
        query = parse(ask.text)
        async with self._database.read() as connection:
            frame = await self._reader.frame(connection)
            wanted = await self._wanted(connection, ask, frame)
            if query.empty:
                return await self._answer(connection, ask, wanted, frame, Found((), 0, language=ask.language))
            return await self._by_words(connection, ask, query, wanted, frame)

    async def _by_words(self, connection: Connection, ask: Ask, query: Query, wanted: Wanted, frame: Frame) -> Found:
        """In the visitor's language; where that finds nothing in the others, then with some of the words only."""
        code = code_of(ask.text)
        pinned = await finding.with_codes(connection, code, PINNED) if code else []
        readings: list[Reading] = []
        for language in _languages(query, ask.language):
            reading = await self._reader.read(connection, query, language, exact=ask.exact or bool(pinned))
            readings.append(reading)
            if not reading.plan.parts:
                continue
            tried = _with_plan(wanted, reading.plan, reading.plan.all_of, pinned)
            about = Found((), 0, text=reading.text, corrected=reading.corrected, language=language)
            found = await self._answer(connection, ask, tried, frame, about)
            if found.total or pinned or await self._filtered_away(connection, ask, reading.plan):
                return found
        first = readings[0]
        about = Found(
            (), 0, text=first.text, corrected=first.corrected, nearest=first.nearest, language=first.plan.language
        )
        if len(first.plan.parts) > 1 or (query.chinese and first.plan.parts):
            tried = _with_plan(wanted, first.plan, _loosely(first.plan), [])
            found = await self._answer(connection, ask, tried, frame, about)
            return msgspec.structs.replace(found, relaxed=bool(found.hits))
        return about

    async def _filtered_away(self, connection: Connection, ask: Ask, found: Plan) -> bool:
        """Whether the words alone find something, so that only the filters leave nothing."""
        if not ask.filters.any and ask.scope is None:
            return False
        return (await finding.have(connection, found.language, [found.all_of]))[0]

    async def _wanted(self, connection: Connection, ask: Ask, frame: Frame) -> Wanted:
        """The filters in numbers; values that nothing has are left out."""
        filters = ask.filters
        asked = [
            Term(facet, value)
            for facet, values in list(filters.terms.items())[:MAX_FACETS]
            for value in values[:MAX_FILTER_VALUES]
        ]
        offers = scopes(self._books.current(), ask.currency, self._clock.now())
        shelves = [Term(SHELF, slug) for offer in offers for slug in offer.categories]
        scope = [Term(*ask.scope)] if ask.scope else []
        numbers = await terms.numbers_of(connection, [*asked, *shelves, *scope])
        chosen: dict[int, list[int]] = {}
        for term in asked:
            if term in numbers:
                chosen.setdefault(frame.facets.get(term.facet, 0), []).append(numbers[term])
        page = min(max(1, ask.page), PAGES)
        return Wanted(
            language=ask.language if ask.language in LANGUAGES else DEFAULT_LANGUAGE,
            scope=numbers.get(scope[0], 0) if scope else None,
            terms={facet: tuple(values) for facet, values in chosen.items() if facet},
            currency=frame.currencies.get(ask.currency),
            least=filters.least,
            most=filters.most,
            in_stock=filters.in_stock,
            on_offer=filters.on_offer,
            offers=[
                OfferTerms(
                    merchants=offer.merchants,
                    products=offer.products,
                    shelves=tuple(numbers.get(Term(SHELF, slug), 0) for slug in offer.categories),
                    brands=tuple(await terms.named(connection, BRAND, offer.brands) or [0]) if offer.brands else (),
                )
                for offer in offers
            ],
            sort=ask.sort,
            limit=min(max(1, ask.hits), PAGE_HITS * 2),
            offset=(page - 1) * ask.hits,
        )

    async def _answer(self, connection: Connection, ask: Ask, wanted: Wanted, frame: Frame, about: Found) -> Found:
        if wanted.match is None:
            rows = await finding.page(connection, wanted)
            if not ask.facets:
                return msgspec.structs.replace(about, hits=tuple(_hit(row, ask) for row in rows), total=len(rows))
            counts = await self._browsed(connection, ask, wanted, frame)
        else:
            counts = await finding.count(connection, wanted, frame.facets.get(CATEGORY, 0))
            rows = await finding.rows_of(connection, counts.page)
        facets = await self._facets(connection, wanted, frame, counts) if counts.total or wanted.terms else ()
        return msgspec.structs.replace(
            about,
            hits=tuple(_hit(row, ask) for row in rows),
            total=min(counts.total, COUNTED),
            capped=counts.total > COUNTED,
            facets=facets,
            in_stock=counts.in_stock,
            on_offer=counts.on_offer,
            least=counts.least,
            most=counts.most,
        )

    async def _browsed(self, connection: Connection, ask: Ask, wanted: Wanted, frame: Frame) -> Counts:
        """Counts of a list without words. The plain ones, which most visitors open, are remembered for a moment."""
        key = (ask.scope, ask.currency)
        if ask.filters.any or wanted.pinned:
            return await finding.count(connection, wanted, frame.facets.get(CATEGORY, 0))
        now = self._clock.now()
        known = self._lists.get(key)
        if known is not None and now < known[0]:
            return known[1]
        counts = await finding.count(connection, wanted, frame.facets.get(CATEGORY, 0))
        if len(self._lists) >= LISTS_REMEMBERED:
            self._lists.clear()
        self._lists[key] = (now + REMEMBERED, counts)
        return counts

    async def _facets(
        self, connection: Connection, wanted: Wanted, frame: Frame, counts: Counts
    ) -> tuple[FacetCounts, ...]:
        """The most frequent values of each facet, and those that are chosen even if nothing has them now."""
        keys = {number: key for key, number in frame.facets.items()}
        chosen = {term for values in wanted.terms.values() for term in values}
        by_facet: dict[int, list[int]] = {}
        for term in {**dict.fromkeys(chosen, 0), **counts.terms}:
            by_facet.setdefault(term >> terms.FACET_BITS, []).append(term)
        listed: dict[int, list[int]] = {}
        for number, found in by_facet.items():
            if _offered_as_filter(keys.get(number, SHELF)):
                found.sort(key=lambda term: (term not in chosen, -counts.terms.get(term, 0), term))
                room = len(found) if keys[number] == CATEGORY else FACET_VALUES
                listed[number] = found[:room]
        known = await terms.labelled(connection, [term for found in listed.values() for term in found])
        return tuple(
            FacetCounts(
                keys[number],
                tuple(
                    TermCount(known[term].value, known[term].labels, counts.terms.get(term, 0), term in chosen)
                    for term in found
                    if term in known
                ),
            )
            for number, found in sorted(listed.items(), key=lambda item: keys[item[0]])
        )

    async def suggest(self, text: str, language: str) -> Suggestions:
        query = parse(text)
        letters = sum(len(word.folded) for word in (*query.words, *(one for some in query.phrases for one in some)))
        if query.empty or (not query.chinese and letters < SUGGESTED_LETTERS):
            return Suggestions()
        language = "zh" if query.chinese else language if language in LANGUAGES else DEFAULT_LANGUAGE
        async with self._database.read() as connection:
            known = Knowledge(beginnings=frozenset(word.folded for word in query.words[-1:] if not word.chinese))
            begun = plan(query, language, Synonyms((), language), known)
            rows = await self._likely(connection, begun)
            last = query.words[-1] if query.words else None
            words: Sequence[str] = ()
            if last is not None and not last.chinese:
                words = await vocabulary.beginning(connection, language, last.folded, SUGGESTED_WORDS)
            if not rows:
                reading = await self._reader.read(connection, query, language, exact=False)
                rows = await self._likely(connection, reading.plan)
                words = [reading.text] if rows and reading.corrected and not words else words
        before = " ".join(word.shown for word in query.words[:-1])
        return Suggestions(
            products=tuple(row.products[0] for row in rows),
            words=tuple(f"{before} {word}".strip() for word in words),
        )

    async def _likely(self, connection: Connection, found: Plan) -> list[Row]:
        if not found.parts:
            return []
        wanted = _with_plan(Wanted(language=found.language, limit=SUGGESTED_PRODUCTS), found, found.all_of, [])
        return await finding.likely(connection, wanted)

    async def brands(self) -> Mapping[str, int]:
        async with self._database.read() as connection:
            number = (await self._reader.frame(connection)).facets.get(BRAND)
            if number is None:
                return {}
            counted = await finding.goods_by_term(connection, number)
            known = await terms.labelled(connection, list(counted))
        return {known[term].value: goods for term, goods in counted.items() if term in known}


def _languages(query: Query, language: str) -> list[str]:
    """In which languages to look, the likeliest first."""
    first = "zh" if query.chinese else language if language in LANGUAGES else DEFAULT_LANGUAGE
    return list(dict.fromkeys([first, DEFAULT_LANGUAGE, *LANGUAGES]))


def _with_plan(wanted: Wanted, found: Plan, match: str, pinned: Sequence[int]) -> Wanted:
    return msgspec.structs.replace(
        wanted, language=found.language, match=match, scores=found.scores, phrase=found.phrase, pinned=pinned
    )


def _loosely(found: Plan) -> str:
    """Any of the words; of a run of Han, any of its grams."""
    return found.any_of.replace(" & '", " | '") if found.language == "zh" else found.any_of


def _offered_as_filter(key: str) -> bool:
    return key in (CATEGORY, BRAND, MERCHANT) or key.startswith(ATTRIBUTE_PREFIX)


def _hit(row: Row, ask: Ask) -> Hit:
    """The product of the merchant whose goods are asked for, else the one that stands first."""
    place = row.merchants.index(ask.merchant) if ask.merchant in row.merchants else 0
    return Hit(row.products[place], len(set(row.merchants)), row.in_stock)
