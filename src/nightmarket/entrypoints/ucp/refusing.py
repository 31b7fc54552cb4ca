"""Errors of the protocol, in UCP's words: what the edge refuses, and what is not asked of an operation because of who
asks it, or how (Overview, "Error Codes"). What an operation refuses is an outcome, and an `ErrorAnswer`."""

import msgspec
from msgspec import UNSET

from nightmarket.kernel.problems import Problem
from nightmarket.platform.http import ASGIScope, Headers, request_id_of
from nightmarket.platform.http.problems import ProblemBody, describe

from . import wire

STATUSES = frozenset({401, 403, 424, 429})
CODES = frozenset(
    {
        "algorithm_unsupported",
        "digest_mismatch",
        "idempotency_conflict",
        "invalid_profile_url",
        "profile_malformed",
        "version_unsupported",
    }
)

JSON = b"application/json"
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def of_protocol(scope: ASGIScope, problem: Problem) -> tuple[wire.ProtocolError, Headers] | None:
    """The body and headers of an error of the protocol; none if the problem is an outcome."""
    if problem.status not in STATUSES and problem.code not in CODES:
        return None
    body, headers = describe(problem, request_id_of(scope))
    return _said(body), headers


def protocol_error(problem: ProblemBody) -> tuple[bytes, bytes]:
    """Content type and body (`platform.http.problems.Shape`)."""
    return JSON, _ENCODER.encode(_said(problem))


def _said(problem: ProblemBody) -> wire.ProtocolError:
    return wire.ProtocolError(
        code=problem.code,
        content=problem.detail,
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=problem.instance,
        field=problem.field or UNSET,
        fields=problem.fields or UNSET,
    )


SHAPES = (("/ucp/", protocol_error),)
"""For `platform.http.Errors`."""
