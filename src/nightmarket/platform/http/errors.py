"""Refusals that HTTP itself makes; codes are stable."""

from nightmarket.kernel.problems import Kind, Problem


class MalformedBody(Problem):
    """The body is not what its type says: broken JSON, wrong encoding, a form that is none."""

    code = "malformed_body"
    kind = Kind.INVALID


class BodyTooLarge(Problem):
    """More bytes than this address takes; `limit_bytes` says how many."""

    code = "body_too_large"
    kind = Kind.TOO_LARGE


class WrongMediaType(Problem):
    """The content type is not one that this address reads; `expected` names it."""

    code = "wrong_media_type"
    kind = Kind.UNSUPPORTED


class CrossSiteRequest(Problem):
    """A page of another site sent this."""

    code = "cross_site_request"
    kind = Kind.FORBIDDEN


class FormExpired(Problem):
    """The form's token is missing or belongs to another visit."""

    code = "form_expired"
    kind = Kind.FORBIDDEN


class TooManyRequests(Problem):
    """Faster than the limit; `retry_after_seconds` says when the next one is welcome."""

    code = "too_many_requests"
    kind = Kind.TOO_MANY
