"""Large pages: only memory of our own that is in use is moved, and nothing in it changes."""

from nightmarket.platform.huge_pages import PAGE_BYTES, gather, spans

MIB = 1024 * 1024


def mapping(low: int, mib: int, mode: str = "rw-p", inode: int = 0, path: str = "", rss_mib: int | None = None) -> str:
    rss = mib if rss_mib is None else rss_mib
    head = f"{low:x}-{low + mib * MIB:x} {mode} 00000000 00:00 {inode} {path}".rstrip()
    return f"{head}\nSize: {mib * 1024:16} kB\nRss: {rss * 1024:16} kB\nVmFlags: rd wr\n"


def test_whole_pages_of_what_is_ours_and_filled() -> None:
    """The heap and nameless memory are moved by whole large pages; files, stacks and what is mostly empty are not."""
    text = "".join(
        (
            mapping(64 * MIB, 8, path="[heap]"),
            mapping(129 * MIB, 4),  # of 129 to 133 MiB the page from 130 to 132 is whole
            mapping(201 * MIB, 1),
            mapping(300 * MIB, 8, path="[stack]"),
            mapping(400 * MIB, 8, rss_mib=5),
            mapping(500 * MIB, 8, mode="r--p"),
            mapping(600 * MIB, 8, mode="rw-s"),
            mapping(700 * MIB, 8, inode=77, path="/usr/lib/a file"),
        )
    )
    assert list(spans(text)) == [(64 * MIB, 8 * MIB), (130 * MIB, 2 * MIB)]


def test_what_was_moved_is_what_it_was() -> None:
    """Objects keep their contents, and what lies in large pages comes in whole ones."""
    things = [(number, str(number)) for number in range(200_000)]
    assert gather() % PAGE_BYTES == 0
    assert things == [(number, str(number)) for number in range(200_000)]
