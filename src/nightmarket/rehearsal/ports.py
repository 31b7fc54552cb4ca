"""What a rehearsal needs from rooms above it."""

from collections.abc import AsyncGenerator
from typing import Protocol

from nightmarket.kernel.findings import Check


class Auditor(Protocol):
    """Port: the audit of the whole shop, check by check."""

    def run(self) -> AsyncGenerator[Check]: ...
