"""What makes one hit better than another. Every weight has its name here; `docs/explanation/search.md` has the formula.

score = (sum over the query's words of rarity x closeness x standing of the word in the document, + phrase)
        x stock x (1 + sales)
"""

import math

WEIGHT_TITLE, WEIGHT_BRAND, WEIGHT_SUMMARY, WEIGHT_DESCRIPTION = 1.0, 0.6, 0.4, 0.2
"""A, B, C and D of a document's vectors, for `ts_rank`. Of D, what lies outside the row is
matched but not ranked."""

LENGTH_NORMALIZATION = 1
"""`ts_rank`: divide by 1 + log of the number of words, so that a short title about it beats a long one that says it."""

AS_TYPED, AS_SYNONYM, AS_PART, AS_BEGINNING, AS_HEAD = 1.0, 0.6, 0.5, 0.4, 0.3
"""How close a document's word is to the one that was typed: itself, a synonym, within a compound, its
beginning, what its last part says."""

PHRASE_BONUS = 0.25
"""Added once where all words stand next to one another in the order typed."""

SOLD_OUT_FACTOR = 0.35
"""What is sold out sinks but is found."""

SALES_WEIGHT = 0.3
"""What the best seller gains over what nobody bought, as a share of its score."""

POPULARITY_DAYS = 30
POPULARITY_STEP = 8.0
MOST_POPULAR = 100


def popularity(units: int) -> int:
    """0 to 100 on a logarithmic scale of units sold in `POPULARITY_DAYS`: 1 is 8, 10 is 27, 100 is 53, 5,800 is 100.

    Steps keep the index quiet: a product that sells steadily is not written anew with every order.
    """
    return min(MOST_POPULAR, int(POPULARITY_STEP * math.log2(1 + max(0, units))))


def rarity(documents: int, total: int) -> float:
    """How much a word says: 1 for one that every document has, more for rare ones (inverse document frequency)."""
    return 1.0 + math.log((1 + max(total, documents)) / (1 + documents))
