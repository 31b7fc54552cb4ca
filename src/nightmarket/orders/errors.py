"""The closed set of refusals of carts, checkout sessions and orders."""

from nightmarket.kernel.problems import Kind, Problem

from .model.session import Standing


class SessionNotFound(Problem):
    """No cart, session or order with that id belongs to this actor."""

    code = "not_found"
    kind = Kind.NOT_FOUND


class SessionClosed(Problem):
    """A completed, cancelled or expired session takes no changes."""

    code = "session_closed"
    kind = Kind.CONFLICT


class SessionBusy(Problem):
    """Someone changed it in between; read it again and repeat."""

    code = "changed_meanwhile"
    kind = Kind.CONFLICT


class KeyReused(Problem):
    """The same idempotency key came with another request."""

    code = "idempotency_conflict"
    kind = Kind.CONFLICT


class CompletionRefused(Problem):
    """An order was not placed, and its checkout stands: `standing` says how, so that nobody has to read it again."""

    code = "refused"
    standing: Standing | None = None


class NotReady(CompletionRefused):
    """Something is missing before the order can be placed; `notices` says what."""

    code = "not_ready"
    kind = Kind.UNPROCESSABLE


class OutOfStock(CompletionRefused):
    """Fewer units are left than were asked for; `lines` gives what is left of each."""

    code = "out_of_stock"
    kind = Kind.CONFLICT


class PriceChanged(CompletionRefused):
    """The order would cost more than was shown; nothing was taken, and the new price stands in the session."""

    code = "price_changed"
    kind = Kind.CONFLICT


class PaymentRefused(Problem):
    """The provider declined; what was held went back and the session can be paid another way."""

    code = "payment_declined"
    kind = Kind.UNPROCESSABLE


class UnknownHandler(Problem):
    """No payment handler with that id."""

    code = "unknown_payment_handler"
    kind = Kind.INVALID


class NotCancellable(Problem):
    """The order's state does not allow it to be cancelled."""

    code = "not_cancellable"
    kind = Kind.CONFLICT


class RealOutlet(Problem):
    """An order of a rehearsal would have reached something real."""

    code = "real_outlet"
    kind = Kind.FORBIDDEN


class IdentityNeeded(CompletionRefused):
    """Something is limited per buyer, and nobody knows who buys: sign in, or confirm an e-mail address or telephone
    number (`confirm` is the page). Nothing was taken."""

    code = "identity_needed"
    kind = Kind.UNPROCESSABLE


class LimitReached(CompletionRefused):
    """More than one buyer may have; `most` is the limit, `left` what this buyer may still have, `lines` what it is
    about. Nothing was taken."""

    code = "limit_reached"
    kind = Kind.CONFLICT


class SeatTaken(CompletionRefused):
    """No place is left in what the order was to take part in, this buyer has one already, or it is closed. Nothing was
    taken."""

    code = "seat_taken"
    kind = Kind.CONFLICT


class WalletChanged(CompletionRefused):
    """Less wallet money is left than was shown: more would have to be paid otherwise (`rest`, in minor units of
    `currency`). Nothing was taken."""

    code = "wallet_changed"
    kind = Kind.CONFLICT
