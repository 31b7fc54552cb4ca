"""What may be refused to another shop: a closed set of codes."""

from nightmarket.kernel.problems import Kind, NotFound, Problem


class ClaimNotFound(NotFound):
    """No claim with that id belongs to whoever holds this key."""

    code = "claim_not_found"


class ItemUnknown(Problem):
    """A line names something that is not there, or that this key may not claim; `field` says which line."""

    code = "item_unknown"
    kind = Kind.UNPROCESSABLE


class NotEnoughLeft(Problem):
    """Fewer units are left than were asked for; nothing was held. `lines` gives what is left, by line number."""

    code = "not_enough_left"
    kind = Kind.CONFLICT


class ClaimEnded(Problem):
    """The claim has ended otherwise; `state` says how. A claim ends once."""

    code = "claim_ended"
    kind = Kind.CONFLICT


class KeyReused(Problem):
    """The same idempotency key came with another request."""

    code = "claim_key_reused"
    kind = Kind.CONFLICT


class StockHeld(Problem):
    """Stock cannot sink below what is held or sold, nor rise above what a tally holds; `lines` gives what is free."""

    code = "stock_held"
    kind = Kind.CONFLICT
