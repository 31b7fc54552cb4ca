"""Words of search: whatever is typed or written, cutting it into words never fails and never disagrees with itself."""

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.discovery.model.plan import Knowledge, Synonyms, plan
from nightmarket.discovery.model.query import MAX_LETTERS, MAX_WORDS, code_of, parse
from nightmarket.discovery.model.scoring import MOST_POPULAR, popularity, rarity
from nightmarket.discovery.model.spelling import Known, allowed, best, distance
from nightmarket.discovery.model.text import fold, grams, has_han, plain, spread, tokens
from nightmarket.discovery.model.vectors import RANK_BYTES, weigh

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=12)
ANYTHING = st.text(max_size=400)
MIXED = st.text(st.sampled_from("aZéßæ09.,'-\"|&!:*()<>\\ \t\n夜市灯笼，。%_"), max_size=80)
WORDS = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=14)


@given(HAN)
def test_grams_cover_a_run_and_overlap(run: str) -> None:
    """Each letter of a run stands in a gram; grams of longer runs are its neighbours, in order."""
    found = grams(run)
    assert len(found) == max(1, len(run) - 1)
    assert found[0] + "".join(gram[-1] for gram in found[1:]) == run
    assert all(gram in run for gram in found)


@given(HAN, HAN)
def test_a_document_has_every_gram_of_what_it_contains(before: str, run: str) -> None:
    """Whoever searches for a part of a Chinese text finds it: the part's grams are among the text's."""
    assert set(grams(run)) <= set(spread(before + run))


@given(ANYTHING | MIXED)
def test_cutting_never_fails_and_is_plain(text: str) -> None:
    """Tokens are words or runs of Han, never both, never empty, without signs that a text search would read."""
    for token in tokens(text):
        assert token
        assert not set(token) & set("'\"\\&|!:*()<> \t\n")
        assert has_han(token) == all(has_han(letter) for letter in token)


@given(ANYTHING | MIXED)
def test_plain_and_folded_stay_as_they_are(text: str) -> None:
    """Documents and queries are compared in one form: making it again changes nothing."""
    for token in tokens(text):
        assert tokens(token) == [token]
        assert fold(fold(token)) == fold(token)
    assert tokens(plain(text)) == tokens(text)


@given(ANYTHING | MIXED)
def test_a_query_is_understood_or_empty(text: str) -> None:
    """Parsing never raises, keeps within its bounds, and understands its own text in the same way."""
    query = parse(text)
    amount = len(query.words) + sum(map(len, query.phrases)) + len(query.without)
    assert amount <= MAX_WORDS
    assert len(query.text) <= MAX_LETTERS
    assert parse(query.text) == query
    code = code_of(text)
    assert code is None or (code == code.upper() and any(letter.isdigit() for letter in code))


@given(ANYTHING | MIXED, st.sampled_from(["en", "de", "it", "zh"]))
def test_every_query_has_a_plan(text: str, language: str) -> None:
    """Whatever was typed becomes text searches with balanced brackets and quoted words, one part a word at most."""
    query = parse(text)
    groups = [["lantern", "lampion"], ["running shoes", "trainers"], ["灯笼", "提灯"]]
    made = plan(query, language, Synonyms(groups, language), Knowledge(total=10))
    assert (not made.parts) == query.empty
    assert len(made.parts) <= len(query.words) + len(query.phrases)
    for one in (made.all_of, made.any_of) if made.parts else ():
        assert one.count("(") == one.count(")")
        assert one.count("'") % 2 == 0


@given(WORDS, WORDS)
def test_distance_is_one_of_changes(one: str, other: str) -> None:
    """It is symmetric, zero for the same word only, and never more than the longer word's length."""
    most = 20
    assert distance(one, other, most) == distance(other, one, most)
    assert (distance(one, other, most) == 0) == (one == other)
    assert distance(one, other, most) <= max(len(one), len(other))
    assert distance(one, other, 1) == min(2, distance(one, other, most))


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=6, max_size=14), st.data())
def test_a_word_with_one_mistake_is_put_right(word: str, data: st.DataObject) -> None:
    """A letter too few, too many, another, or two swapped: the word is found again among others."""
    place = data.draw(st.integers(0, len(word) - 2))
    mistake = data.draw(st.sampled_from(["drop", "double", "other", "swap"]))
    wrong = {
        "drop": word[:place] + word[place + 1 :],
        "double": word[:place] + word[place] + word[place:],
        "other": word[:place] + ("a" if word[place] != "a" else "b") + word[place + 1 :],
        "swap": word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    }[mistake]
    found = best(wrong, [Known(word, word, 3)])
    if wrong == word:
        assert found is None
    else:
        assert found is not None
        assert found.word == word
        assert distance(wrong, word, 5) <= allowed(wrong)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_scales_only_rise(one: int, other: int) -> None:
    """Who sells more is not less popular; who is rarer does not count less."""
    less, more = sorted((one, other))
    assert 0 <= popularity(less) <= popularity(more) <= MOST_POPULAR
    assert rarity(less, 10**9) >= rarity(more, 10**9) >= 1.0


@given(st.lists(ANYTHING | HAN, max_size=6), st.booleans())
def test_ranked_words_fit_into_the_row(texts: list[str], chinese: bool) -> None:
    """However long a product's words are, what lies in its row stays within its room, and nothing is said twice."""
    made = weigh((texts, texts, texts, texts), chinese=chinese)
    ranked = f"{made.title} {made.brand} {made.summary} {made.beginning}".split()
    assert sum(len(word.encode()) for word in ranked) <= RANK_BYTES
    described = made.beginning.split() + made.description.split()
    again = weigh(([], [], [], texts), chinese=chinese)
    assert described == (again.beginning.split() + again.description.split())
