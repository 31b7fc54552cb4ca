"""The refusals of access; codes are stable."""

from nightmarket.kernel.problems import Kind, Problem


class SignInRequired(Problem):
    """Nobody is signed in, or what was shown is expired, revoked or forged."""

    code = "sign_in_required"
    kind = Kind.UNAUTHENTICATED


class Forbidden(Problem):
    """The actor lacks the scope; `scope` names it."""

    code = "forbidden"
    kind = Kind.FORBIDDEN


class WrongCredentials(Problem):
    """E-mail and password do not fit; deliberately silent about which."""

    code = "wrong_credentials"
    kind = Kind.UNAUTHENTICATED


class AccountSuspended(Problem):
    """The password was right, but the account has been closed for now."""

    code = "account_suspended"
    kind = Kind.FORBIDDEN


class TooManyAttempts(Problem):
    """Too many logins for one account or from one address; `retry_after_seconds` says when to try again."""

    code = "too_many_attempts"
    kind = Kind.TOO_MANY


class EmailTaken(Problem):
    """An account with this e-mail exists."""

    code = "email_taken"
    kind = Kind.CONFLICT


class WeakPassword(Problem):
    """The password breaks a stated rule."""

    code = "weak_password"
    kind = Kind.INVALID


class AccountNotFound(Problem):
    """No account with that id."""

    code = "account_not_found"
    kind = Kind.NOT_FOUND


class KeyNotFound(Problem):
    """No API key with that id."""

    code = "api_key_not_found"
    kind = Kind.NOT_FOUND


class KeyMade(Problem):
    """The key with that id was made already; its secret was shown then, and is stored nowhere."""

    code = "key_made"
    kind = Kind.CONFLICT


class LastOperator(Problem):
    """The shop would be left without an operator who can sign in."""

    code = "last_operator"
    kind = Kind.CONFLICT


class LinkSpent(Problem):
    """A link from a mail that was used, has expired, or is none of ours."""

    code = "link_spent"
    kind = Kind.GONE


class WrongCode(Problem):
    """Not the code that was sent to the address; `tries_left` says how often it may still be tried."""

    code = "wrong_code"
    kind = Kind.UNPROCESSABLE


class CodeSpent(Problem):
    """A code that was used, tried too often, has expired, or was never sent."""

    code = "code_spent"
    kind = Kind.GONE
