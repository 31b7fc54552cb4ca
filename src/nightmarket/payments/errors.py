"""What can be refused when payments are asked; all else is a Defect, or Unavailable where the provider is silent."""

from nightmarket.kernel.problems import Kind, Problem


class KeyReused(Problem):
    """A key names one request for ever: the same key came with another amount, currency or order."""

    code = "payment_key_reused"
    kind = Kind.CONFLICT


class WebhookRefused(Problem):
    """A webhook whose signature is wrong, or whose signature is too old to be more than a replay."""

    code = "webhook_refused"
    kind = Kind.UNAUTHENTICATED


class WebhookUnreadable(Problem):
    """A signed webhook whose body is too large or not an event."""

    code = "webhook_unreadable"
    kind = Kind.INVALID


class CardNumberInvalid(Problem):
    """Not a card number, by length or check digit."""

    code = "card_number_invalid"
    kind = Kind.UNPROCESSABLE


class CardUnknown(Problem):
    """A card number that could be real; the test provider takes test cards only."""

    code = "card_unknown"
    kind = Kind.UNPROCESSABLE


class CardExpiryInvalid(Problem):
    """Not a month and year."""

    code = "card_expiry_invalid"
    kind = Kind.UNPROCESSABLE


class CardExpired(Problem):
    """The card's last month is over."""

    code = "card_expired"
    kind = Kind.UNPROCESSABLE


class CardCvcInvalid(Problem):
    """Not the 3 digits (4 for American Express) of the security code."""

    code = "card_cvc_invalid"
    kind = Kind.UNPROCESSABLE


class CardNameMissing(Problem):
    """The name on the card is missing or too long."""

    code = "card_name_missing"
    kind = Kind.UNPROCESSABLE


class WalletNotFound(Problem):
    """No cashback campaign, red packet or wallet money with that id."""

    code = "wallet_not_found"
    kind = Kind.NOT_FOUND


class WalletRefused(Problem):
    """A cashback campaign or red packet that cannot be as it is described; `flaws` has every reason."""

    code = "wallet_refused"
    kind = Kind.UNPROCESSABLE


class PacketNotOpened(Problem):
    """A red packet gives nothing now; `reason` is ahead, over or empty."""

    code = "packet_not_opened"
    kind = Kind.CONFLICT


class WalletCodeRefused(Problem):
    """A code to pay with somebody's wallet that was used for another order, has expired, was replaced by a newer, or
    may not pay as much."""

    code = "wallet_code_refused"
    kind = Kind.CONFLICT
