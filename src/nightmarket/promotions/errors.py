"""What promotions may refuse: a closed set of codes."""

from nightmarket.kernel.problems import Kind, NotFound, Problem


class OfferRefused(Problem):
    """An offer breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "offer_refused"
    kind = Kind.UNPROCESSABLE


class CodeTaken(Problem):
    """Another offer has that code at the same time; `other` is its id."""

    code = "offer_code_taken"
    kind = Kind.CONFLICT


class RevisionTaken(Problem):
    """The offer was changed in the meantime; `expected` is the revision that may come next."""

    code = "offer_revision_taken"
    kind = Kind.CONFLICT


class UsesTaken(Problem):
    """More orders have the offer already than the new cap allows."""

    code = "offer_uses_taken"
    kind = Kind.CONFLICT


class TooManyOffers(Problem):
    """A publication or the book would be larger than its bound."""

    code = "too_many_offers"
    kind = Kind.UNPROCESSABLE


class OfferNotFound(NotFound):
    """No offer with that id is published."""

    code = "offer_not_found"


class BookNotFound(NotFound):
    """No book has that number yet."""

    code = "book_not_found"
