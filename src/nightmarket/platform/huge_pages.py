"""Memory in pages of 2 MiB, where Linux gives them to who asks.

A process of ours walks through some hundred megabytes of small objects, a little here and a little there; with pages
of 4 KiB the processor has to find out anew where most of them lie. Linux by itself gives large pages at best to
mappings that are large when they are made, and Python's allocator maps one megabyte at a time.
"""

import asyncio
import contextlib
import ctypes
import sys
from collections.abc import Generator
from pathlib import Path

PAGE_BYTES = 2 * 1024 * 1024
MAPPINGS = Path("/proc/self/smaps")
FIRST_SECONDS = 10
"""After the start; the first time takes longest, some 4 ms of a thread for each large page."""

EVERY_SECONDS = 60
FILLED = 0.75
"""Mappings of which a smaller part is in use stay as they are, such as stacks: large pages would fill them up."""

_COLLAPSE = 25
"""`MADV_COLLAPSE`, since Linux 6.1: moves what is in small pages into large ones at once, whatever the system does
by itself."""


async def keep_gathered() -> None:
    """Gather what has come, now and then, in a thread; runs until it is cancelled."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        await asyncio.to_thread(gather)
        await asyncio.sleep(EVERY_SECONDS)


def gather() -> int:
    """Move this process's own memory into large pages; returns how many bytes lie in such pages of those that were
    asked for. Where the system is another one, older, or short of memory, things stay as they are: this is never
    needed, only faster."""
    if sys.platform != "linux":
        return 0
    with contextlib.suppress(OSError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        wanted = list(spans(MAPPINGS.read_text()))
        return sum(size for start, size in wanted if advise(start, size, _COLLAPSE) == 0)
    return 0


def spans(mappings: str) -> Generator[tuple[int, int]]:
    """Start and length in bytes of what may be moved, from the text of `smaps`: the whole large pages of each mapping
    that is private, nameless or the heap, writable, and well filled."""
    low = high = 0
    for line in mappings.splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            mode, _, _, inode, *path = rest.split(maxsplit=4)
            ours = mode == "rw-p" and inode == "0" and path in ([], ["[heap]"])
            low, high = (int(bound, 16) for bound in name.split("-")) if ours else (0, 0)
        elif name == "Rss:" and int(rest.split()[0]) * 1024 >= (high - low) * FILLED:
            start = -(-low // PAGE_BYTES) * PAGE_BYTES
            end = high // PAGE_BYTES * PAGE_BYTES
            if end > start:
                yield start, end - start
