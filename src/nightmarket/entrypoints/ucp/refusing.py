"""What the edge refuses, in UCP's words: no operation was asked, so it is an error of the protocol."""

import msgspec
from msgspec import UNSET

from nightmarket.platform.http.problems import ProblemBody

from . import wire

JSON = b"application/json"
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def protocol_error(problem: ProblemBody) -> tuple[bytes, bytes]:
    """Content type and body (`platform.http.problems.Shape`)."""
    answer = wire.ProtocolError(
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
    return JSON, _ENCODER.encode(answer)


SHAPES = (("/ucp/", protocol_error),)
"""For `platform.http.Errors`."""
