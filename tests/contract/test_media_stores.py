"""One suite over all media stores."""

import asyncio
from pathlib import Path

import pytest

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.media import FolderStore, MediaStore, MemoryStore

HASH = "0123456789abcdef" * 4


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    """Each implementation in turn."""
    return {"folder": FolderStore(tmp_path / "media"), "memory": MemoryStore()}[request.param]


async def test_what_was_written_is_read(store: MediaStore) -> None:
    """Bytes come back whole, originals and derivatives apart; what is not there is None."""
    assert await store.read(HASH) is None
    await store.write(HASH, b"original")
    await store.write(f"{HASH}.768.webp", b"derived")
    assert await store.read(HASH) == b"original"
    assert await store.read(f"{HASH}.768.webp") == b"derived"
    assert await store.read(f"{HASH}.96.webp") is None


async def test_writing_again_does_no_harm(store: MediaStore) -> None:
    """Many may write the same key at once."""
    await asyncio.gather(*(store.write(HASH, b"same" * 100_000) for _ in range(8)))
    assert await store.read(HASH) == b"same" * 100_000


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../../etc/passwd",
        "/etc/passwd",
        HASH.upper(),
        HASH[:-1],
        f"{HASH}/..",
        f"{HASH}.png",
        f"{HASH}.768.webp/../x",
        f"{HASH}\n",
        f"{HASH}\x00",
        "..%2f" + HASH,
        HASH[:-1] + "é",
    ],
)
async def test_only_keys_become_names(store: MediaStore, key: str) -> None:
    """No path, no other ending, no letter beyond hexadecimal gets near the disk."""
    with pytest.raises(ValueError):
        await store.read(key)
    with pytest.raises(ValueError):
        await store.write(key, b"x")


async def test_no_half_file_is_left(tmp_path: Path) -> None:
    """A folder that cannot be written says so and keeps nothing; a good one has no temporary files."""
    store = FolderStore(tmp_path / "media")
    await store.write(HASH, b"x")
    assert [file.name for file in (tmp_path / "media").rglob("*") if file.is_file()] == [HASH]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="could not be stored"):
        await FolderStore(tmp_path / "file").write(HASH, b"x")
