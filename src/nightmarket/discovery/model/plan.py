"""From words to a text search: each word with its synonyms, parts and beginnings, and what each is worth."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from .query import Query, Word
from .scoring import AS_BEGINNING, AS_HEAD, AS_PART, AS_SYNONYM, AS_TYPED, rarity
from .text import fold, grams, has_han, tokens

MAX_ALTERNATIVES = 24
"""Other words that stand for one word of a query."""

HEAD_LAST = frozenset({"de"})
"""Languages in which the last part of a compound says what it is: a `Papierlaterne` is a `Laterne`."""

Phrase = tuple[str, ...]


class Knowledge(msgspec.Struct, frozen=True):
    """What the shop's words say about a query's: in how many documents each stands, by folded word; words that hold
    one or begin with it; and pairs that it is put together from."""

    total: int = 0
    documents: Mapping[str, int] = {}
    compounds: Mapping[str, tuple[str, ...]] = {}
    beginnings: frozenset[str] = frozenset()
    pairs: Mapping[str, tuple[Phrase, ...]] = {}


class Alternative(msgspec.Struct, frozen=True):
    """A way to have a word: how close it is, and the `tsquery` text that finds it."""

    closeness: float
    text: str


class Part(msgspec.Struct, frozen=True):
    """What each hit must have, in one of these ways; `rarity` is what it says."""

    rarity: float
    alternatives: tuple[Alternative, ...]

    @property
    def text(self) -> str:
        return f"({' | '.join(one.text for one in self.alternatives)})"


class Plan(msgspec.Struct, frozen=True):
    """A whole query as text searches of one language."""

    language: str
    parts: tuple[Part, ...]
    without: tuple[str, ...] = ()
    phrase: str | None = None

    @property
    def all_of(self) -> str:
        return " & ".join([part.text for part in self.parts] + [f"!{text}" for text in self.without])

    @property
    def any_of(self) -> str:
        wanted = f"({' | '.join(part.text for part in self.parts)})"
        return " & ".join([wanted, *(f"!{text}" for text in self.without)])

    @property
    def scores(self) -> list[tuple[float, str]]:
        """What a document gains by having each: weight and text. Ways that are equally close count once."""
        found: list[tuple[float, str]] = []
        for part in self.parts:
            by_closeness: dict[float, list[str]] = {}
            for one in part.alternatives:
                by_closeness.setdefault(one.closeness, []).append(one.text)
            found.extend((part.rarity * closeness, " | ".join(texts)) for closeness, texts in by_closeness.items())
        return found


class Synonyms:
    """Groups of phrases that mean the same, looked up by any of them, in singular or plural."""

    def __init__(self, groups: Iterable[Sequence[str]], language: str) -> None:
        self._language = language
        self._others: dict[Phrase, list[Phrase]] = {}
        self._runs: list[tuple[str, ...]] = []
        for group in groups:
            phrases = [tuple(tokens(one)) for one in group]
            if any(has_han(word) for phrase in phrases for word in phrase):
                self._runs.append(tuple("".join(phrase) for phrase in phrases))
            for phrase in phrases:
                known = self._others.setdefault(self._key(phrase), [])
                known.extend(other for other in phrases if other != phrase and other not in known)
        self.longest = max((len(phrase) for phrase in self._others), default=0)

    def _key(self, phrase: Sequence[str]) -> Phrase:
        return tuple(root(fold(word), self._language) for word in phrase)

    def of(self, phrase: Sequence[str]) -> list[Phrase]:
        """What else the phrase may be called."""
        return self._others.get(self._key(phrase), [])

    def of_run(self, run: str) -> list[str]:
        """A run of Han with a phrase in it replaced by each synonym."""
        found: list[str] = []
        for group in self._runs:
            inside = max((one for one in group if one in run), key=len, default=None)
            if inside is not None:
                found.extend(run.replace(inside, one) for one in group if one != inside)
        return found[:MAX_ALTERNATIVES]


_ENDINGS = {"en": ("s",), "de": ("en", "er", "n", "e", "s"), "it": ("i", "e", "a", "o"), "zh": ("s",)}
_HISSING_PLURALS = ("sses", "xes", "ches", "shes")


def root(folded: str, language: str) -> str:
    """A word without its commonest ending: enough to see that `sofas` are `sofa`."""
    if language == "en" and folded.endswith(_HISSING_PLURALS):
        return folded[:-2]
    for ending in () if folded.endswith("ss") else _ENDINGS.get(language, ()):
        if folded.endswith(ending) and len(folded) - len(ending) >= 3:
            return folded[: -len(ending)]
    return folded


def plan(query: Query, language: str, synonyms: Synonyms, known: Knowledge) -> Plan:
    """The text searches for a query. A query without words gives a plan without parts."""
    parts: list[Part] = []
    place = 0
    while place < len(query.words):
        taken, part = _part(query.words[place:], language, synonyms, known)
        parts.append(part)
        place += taken
    for phrase in query.phrases:
        weight = max(_rarity(known, word) for word in phrase)
        parts.append(Part(weight, (Alternative(AS_TYPED, _sequence(phrase, language)),)))
    latin = [word for word in query.words if not word.chinese]
    return Plan(
        language=language,
        parts=tuple(parts),
        without=tuple(_one(word, language) for word in query.without),
        phrase=_sequence(latin, language) if len(latin) > 1 else None,
    )


def _part(words: Sequence[Word], language: str, synonyms: Synonyms, known: Knowledge) -> tuple[int, Part]:
    """The part that begins with the first word: as many words as a synonym spans, else one."""
    for length in range(min(synonyms.longest, len(words)), 1, -1):
        others = synonyms.of([word.shown for word in words[:length]])
        if others:
            typed = " & ".join(_one(word, language) for word in words[:length])
            ways = [Alternative(AS_TYPED, f"({typed})"), *_synonyms(others, language)]
            return length, Part(max(_rarity(known, word) for word in words[:length]), tuple(ways))
    word = words[0]
    ways = [Alternative(AS_TYPED, _one(word, language))]
    if word.chinese:
        ways += [Alternative(AS_SYNONYM, _run(run)) for run in synonyms.of_run(word.shown)]
        return 1, Part(_rarity(known, word), tuple(ways))
    ways += _synonyms(synonyms.of([word.shown]), language)
    for pair in known.pairs.get(word.folded, ()):
        ways.append(Alternative(AS_PART, f"({' & '.join(quoted(one, language) for one in pair)})"))
        if language in HEAD_LAST:
            ways.append(Alternative(AS_HEAD, quoted(pair[-1], language)))
    ways += [Alternative(AS_PART, quoted(one, language)) for one in known.compounds.get(word.folded, ())]
    if word.folded in known.beginnings:
        ways.append(Alternative(AS_BEGINNING, f"{quoted(word.shown, language)}:*"))
    if len(words) > 1 and known.documents.get(word.folded + words[1].folded):
        typed = f"({_one(word, language)} & {_one(words[1], language)})"
        together = Alternative(AS_TYPED, quoted(word.shown + words[1].shown, language))
        return 2, Part(_rarity(known, word), (Alternative(AS_TYPED, typed), together))
    return 1, Part(_rarity(known, word), tuple(ways[:MAX_ALTERNATIVES]))


def part_text(word: Word, language: str, synonyms: Synonyms) -> str:
    """The text search for a word by itself, with its synonyms."""
    return _part([word], language, synonyms, Knowledge())[1].text


def _rarity(known: Knowledge, word: Word) -> float:
    return rarity(known.documents.get(word.folded, 0), known.total)


def _synonyms(phrases: Iterable[Phrase], language: str) -> list[Alternative]:
    return [Alternative(AS_SYNONYM, _phrase(phrase, language)) for phrase in phrases]


def _phrase(words: Sequence[str], language: str) -> str:
    texts = [_run(word) if has_han(word) else quoted(word, language) for word in words]
    return texts[0] if len(texts) == 1 else f"({' <-> '.join(texts)})"


def _sequence(words: Sequence[Word], language: str) -> str:
    """Words that follow one another. Letters of Han between words are only required, as their grams overlap."""
    if any(word.chinese for word in words):
        return f"({' & '.join(_one(word, language) for word in words)})"
    return f"({' <-> '.join(_one(word, language) for word in words)})"


def _one(word: Word, language: str) -> str:
    return _run(word.shown) if word.chinese else quoted(word.shown, language)


def _run(run: str) -> str:
    found = " & ".join(f"'{gram}'" for gram in dict.fromkeys(grams(run)))
    return f"({found})"


def quoted(word: str, language: str) -> str:
    """A word inside a `tsquery`; words are letters, digits and points only, so nothing has to be escaped. In Chinese
    documents Latin words stand folded."""
    return f"'{fold(word) if language == 'zh' else word}'"
