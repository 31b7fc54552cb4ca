"""One way for every line: JSON where a machine reads, columns where a person does; libraries' lines come along."""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "api_key")
_QUIET = ("asyncio", "alembic", "sqlalchemy", "httpx", "httpcore", "PIL", "uvicorn")
"""Libraries that are heard from WARNING on."""

_encoder = msgspec.json.Encoder(enc_hook=repr)


def hide_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """Values under telling names never reach a log."""
    for name in event:
        if name != "event" and any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = HIDDEN
    return event


def _to_json(event: Any, **_: Any) -> str:
    return _encoder.encode(event).decode()


def configure_logging(*, json: bool | None = None, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging of this process. `json=None` means: unless the stream is a terminal."""
    target = stream or sys.stderr
    as_json = not target.isatty() if json is None else json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        hide_secrets,
    ]
    last: list[Processor]
    if as_json:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    else:
        plain = structlog.dev.plain_traceback  # the default draws for a second, with the batch and its secrets in it
        last = [structlog.dev.ConsoleRenderer(colors=target.isatty(), timestamp_key="at", exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    foreign = structlog.stdlib.ProcessorFormatter
    handler.setFormatter(
        foreign(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[foreign.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def context(**values: object) -> AbstractContextManager[None]:
    """Name request, actor, batch or job for every line logged inside the block, in this task only."""
    return structlog.contextvars.bound_contextvars(**values)
