"""How a process learns that its supervisor is gone, however that ended: the pipe between them closes."""

import os
import signal
import threading

VARIABLE = "NIGHTMARKET_LIFELINE"
"""Names the pipe's end that a child holds. Set by the supervisor, never by people."""

GRACE_SECONDS = 15.0
"""From the supervisor's death to the end of a child that does not stop by itself."""


def follow_supervisor(grace_seconds: float = GRACE_SECONDS) -> None:
    """Stop this process (SIGTERM, then hard) when its supervisor dies. Does nothing in a process started by hand."""
    end = os.environ.pop(VARIABLE, None)
    if end is not None:
        threading.Thread(target=_wait, args=(int(end), grace_seconds), name="lifeline", daemon=True).start()


def _wait(end: int, grace_seconds: float) -> None:
    while os.read(end, 1):
        """Nothing is ever written; reading ends when the last writer is gone."""
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace_seconds)
    os._exit(1)
