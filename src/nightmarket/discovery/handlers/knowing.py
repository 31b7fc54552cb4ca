"""What the shop's own words say about a query: corrections, parts of compounds, synonyms."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

import msgspec

from nightmarket.discovery.model.plan import Knowledge, Plan, Synonyms, part_text, plan
from nightmarket.discovery.model.query import Query, Word
from nightmarket.discovery.model.spelling import SHORTEST, best
from nightmarket.discovery.model.text import fold, plain
from nightmarket.discovery.store import finding, terms, vocabulary
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Connection

REMEMBERED = timedelta(seconds=10)
"""How long a process remembers synonyms, facets and the number of goods."""

COMPOUND_LANGUAGES = frozenset({"de"})
"""Languages that write compounds as one word, so that `lampe` is looked for within `stehlampe` and `lampenschirm`."""

COMPOUND_LETTERS = 4
COMPOUNDS = 12
COMPOUND_ENDINGS = ("", "n", "en", "e", "s", "er")
JOINTS = ("", "s", "n", "en", "es", "e")
"""What stands between the parts of a compound."""

BEGINNING_LETTERS = 3
NEAREST = 3

_WORD = re.compile(r"[^\W_]+")


class Frame(msgspec.Struct, frozen=True):
    """What changes seldom."""

    synonyms: Mapping[str, Synonyms]
    facets: Mapping[str, int]
    currencies: Mapping[str, int]
    total: int


class Reading(msgspec.Struct, frozen=True):
    """A query as the shop understands it: the plan, the text it is of, what was corrected, and words near to those
    that are unknown."""

    plan: Plan
    text: str
    corrected: bool
    nearest: tuple[str, ...]


class Reader:
    """Understands queries; one per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._frame: Frame | None = None
        self._until = clock.now()

    async def frame(self, connection: Connection) -> Frame:
        """Synonyms, facets, currencies and the number of goods, at most `REMEMBERED` old."""
        now = self._clock.now()
        if self._frame is None or now >= self._until:
            groups = await vocabulary.synonyms(connection)
            self._frame = Frame(
                synonyms={language: Synonyms(found, language) for language, found in groups.items()},
                facets=await terms.facets(connection),
                currencies=await terms.currencies(connection),
                total=await finding.total(connection),
            )
            self._until = now + REMEMBERED
        return self._frame

    def _synonyms(self, language: str) -> Synonyms:
        found = self._frame.synonyms.get(language) if self._frame else None
        return found or Synonyms((), language)

    async def read(self, connection: Connection, query: Query, language: str, *, exact: bool) -> Reading:
        """The plan for a query in a language; words that nothing has are corrected unless `exact`."""
        frame = await self.frame(connection)
        words = list(query.words)
        latin = [word for word in words if not word.chinese]
        joined = [one.folded + other.folded for one, other in pairwise(latin)]
        known = await vocabulary.frequencies(connection, language, [word.folded for word in latin] + joined)
        unknown = [word for word in latin if word.folded not in known]
        reading = _Unknown()
        if unknown:
            reading = await self._unknown(connection, unknown, language, known, exact=exact)
            if reading.corrections:
                words = [reading.corrections.get(word.folded, word) for word in words]
        compounds = await self._compounds(connection, words, language)
        knowledge = Knowledge(frame.total, known, compounds, frozenset(reading.beginnings), reading.pairs)
        changed = msgspec.structs.replace(query, words=tuple(words))
        text = _shown(query, reading.corrections)
        return Reading(
            plan(changed, language, self._synonyms(language), knowledge),
            text,
            text != query.text,
            tuple(reading.nearest),
        )

    async def _unknown(
        self, connection: Connection, unknown: Sequence[Word], language: str, known: dict[str, int], *, exact: bool
    ) -> "_Unknown":
        """Words that the vocabulary lacks: inflected, called otherwise, begun, put together, or misspelt."""
        found = _Unknown()
        synonyms = self._synonyms(language)
        questions = [part_text(word, language, synonyms) for word in unknown]
        inflected = await finding.have(connection, language, questions)
        for word, there in zip(unknown, inflected, strict=True):
            if there:
                known[word.folded] = 1
                continue
            if len(word.folded) >= BEGINNING_LETTERS:
                begun = await vocabulary.beginning(connection, language, word.folded, 1)
                if begun:
                    found.beginnings.append(word.folded)
                    continue
            pairs = await self._pairs(connection, word, language)
            if pairs:
                found.pairs[word.folded] = pairs
                continue
            if len(word.folded) < SHORTEST or any(letter.isdigit() for letter in word.folded):
                continue
            near = await vocabulary.near(connection, language, word.folded)
            right = best(word.folded, near)
            found.nearest.extend(one.word for one in near[:NEAREST])
            if right is not None and not exact:
                found.corrections[word.folded] = Word(right.word, right.folded)
                known[right.folded] = right.documents
        return found

    async def _pairs(self, connection: Connection, word: Word, language: str) -> tuple[tuple[str, ...], ...]:
        """Two known words that the word is put together from."""
        folded = word.folded
        cuts: dict[tuple[str, str], None] = {}
        for place in range(3, len(folded) - 2):
            for joint in JOINTS if language in COMPOUND_LANGUAGES else ("",):
                first = folded[:place]
                if first.endswith(joint) and len(first) - len(joint) >= 3:
                    cuts[first[: len(first) - len(joint)], folded[place:]] = None
        if not cuts:
            return ()
        found = await vocabulary.frequencies(connection, language, list({part for cut in cuts for part in cut}))
        good = [cut for cut in cuts if cut[0] in found and cut[1] in found]
        good.sort(key=lambda cut: -min(len(cut[0]), len(cut[1])))
        return tuple(good[:1])

    async def _compounds(
        self, connection: Connection, words: Sequence[Word], language: str
    ) -> dict[str, tuple[str, ...]]:
        """Of each word the longer ones that begin or end with it."""
        if language not in COMPOUND_LANGUAGES:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for word in words:
            if word.chinese or len(word.folded) < COMPOUND_LETTERS:
                continue
            longer = await vocabulary.holding(connection, language, word.folded)
            ends = tuple(word.folded + ending for ending in COMPOUND_ENDINGS)
            fitting = [one for one, folded in longer if folded.startswith(word.folded) or folded.endswith(ends)]
            found[word.folded] = tuple(fitting[:COMPOUNDS])
        return found


class _Unknown:
    """What became of unknown words, by folded word."""

    def __init__(self) -> None:
        self.corrections: dict[str, Word] = {}
        self.beginnings: list[str] = []
        self.pairs: dict[str, tuple[tuple[str, ...], ...]] = {}
        self.nearest: list[str] = []


def _shown(query: Query, corrections: Mapping[str, Word]) -> str:
    """The text with its misspelt words replaced."""

    def right(found: re.Match[str]) -> str:
        correction = corrections.get(fold(plain(found[0])))
        return correction.shown if correction else found[0]

    return _WORD.sub(right, query.text)
