"""Pictures: stored by content, verified by decoding, given out in a few widths that are made on first request.

    library = Library(FolderStore(home / "media"), clock)
    await library.prepare(files) -> list[Media | PictureRefused]   decode and store, outside any transaction
    await library.record(tx, media) -> None                        then write the rows
    await library.put(tx, files) -> list[Media]                    both, for a few small ones; raises PictureRefused
    await library.find(connection, hashes) -> Mapping[str, Media]
    await library.open(sha256, width) -> Picture(body, mime, etag) width is one of WIDTHS; raises MediaNotFound
    Media(sha256, bytes, width, height, mime, colour, blur)
    MediaStore: the port; FolderStore, MemoryStore: its twins

Bounds: 25 MB, 50 megapixels and 12,000 pixels a side; two decodes at once, 200 waiting, 200 files a call.
Derivatives are WebP without metadata, never wider than the original, and may be deleted at any time.
"""

from .errors import MediaNotFound, PictureRefused, PictureTooLarge, PictureUnreadable, PictureUnsupported
from .library import FILES_AT_ONCE, Library, Picture
from .pictures import MAX_BYTES, WIDTHS, Media
from .stores import FolderStore, MediaStore, MemoryStore

__all__ = [
    "FILES_AT_ONCE",
    "MAX_BYTES",
    "WIDTHS",
    "FolderStore",
    "Library",
    "Media",
    "MediaNotFound",
    "MediaStore",
    "MemoryStore",
    "Picture",
    "PictureRefused",
    "PictureTooLarge",
    "PictureUnreadable",
    "PictureUnsupported",
]
