"""Three kinds of going wrong: expected (`Problem`), impossible (`Defect`), and elsewhere (`Unavailable`)."""

from enum import StrEnum
from typing import Any, ClassVar


class Kind(StrEnum):
    """What a caller can do about a problem; each kind has one HTTP status (RFC 9110)."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    UNPROCESSABLE = "unprocessable"
    TOO_MANY = "too_many"


STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.TOO_MANY: 429,
}


class Problem(Exception):
    """An expected refusal. Subclasses fix `code` (stable, snake_case) and `kind`; `fields` carry the typed particulars.

    `detail` says in one or two sentences what is wrong and how to mend it; `field` names the offending input, if one.
    """

    code: ClassVar[str] = "problem"
    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(self, detail: str, *, field: str | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.fields = fields

    @property
    def status(self) -> int:
        return STATUS[self.kind]


class InvalidInput(Problem):
    """Input that breaks a stated bound or shape; `field` names where."""

    code = "invalid_input"
    kind = Kind.INVALID


class NotFound(Problem):
    """Nothing with that id is visible to this actor."""

    code = "not_found"
    kind = Kind.NOT_FOUND


class Defect(Exception):
    """An invariant of ours is broken: the work is aborted, logged and alarmed, never papered over."""


class Unavailable(Exception):
    """The outside world (database, provider, disk) did not answer. Retried only by policy.

    `retry_after_seconds` is what the edge puts into `Retry-After`.
    """

    def __init__(self, what: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_seconds = retry_after_seconds
