"""The answer for one too many, made beforehand: refusing must cost next to nothing."""

import msgspec

from nightmarket.entrypoints.pages import Site
from nightmarket.entrypoints.pages.problem_page import NOBODY, problem_page
from nightmarket.entrypoints.ucp.refusing import JSON, SHAPES, protocol_error
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.platform.http import (
    HTML,
    TOO_MANY_WAIT,
    ASGIScope,
    ProblemBody,
    Response,
    wants_page,
)

UCP_PATHS = tuple(path for path, _ in SHAPES)
PLACE = "req_of_this_request"
"""Where the prepared answers have the request's id."""


class Busy:
    """Answers with bytes that are ready but for the request's id."""

    def __init__(self, site: Site) -> None:
        self._site = site
        store = (b"cache-control", b"no-store")
        self._page_headers = [(b"content-type", HTML), store]
        self._headers = [(b"content-type", b"application/problem+json"), store]
        self._problem = ProblemBody("/problems/unavailable", "Unavailable", 503, TOO_MANY_WAIT, "unavailable", PLACE)
        self._body = msgspec.json.encode(self._problem).split(PLACE.encode())
        self._ucp = protocol_error(self._problem)[1].split(PLACE.encode())
        self._ucp_headers = [(b"content-type", JSON), store]
        self._pages = {language: self._page(language) for language in LANGUAGES}

    def _page(self, language: str) -> list[bytes]:
        asked = [(b"accept-language", language.encode())]
        scope: ASGIScope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": asked}
        return problem_page(self._site)(self._problem, scope).split(PLACE.encode())

    def __call__(self, scope: ASGIScope, request: str) -> Response:
        if not wants_page(scope):
            if scope["path"].startswith(UCP_PATHS):
                return Response(503, self._ucp_headers, request.encode().join(self._ucp))
            return Response(503, self._headers, request.encode().join(self._body))
        language = self._site.anonymous(scope, NOBODY, NOBODY.actor.id).language
        return Response(503, self._page_headers, request.encode().join(self._pages[language]))
