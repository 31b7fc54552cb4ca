"""What the readers of files have in common: entries that come from a stream and are understood one by one."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from nightmarket.catalog.model.rows import Reading

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Source(Protocol[E_co]):
    """Takes a file apart; `line` and `letters` say how far it has been read."""

    @property
    def line(self) -> int: ...

    @property
    def letters(self) -> int: ...

    def rows(self) -> Iterator[tuple[int, E_co] | Reading]:
        """Each entry with the line it begins in; one that cannot be taken apart comes as a refusal."""
        ...


class Entries(ABC, Generic[E]):
    """The entries of a source, each understood and checked by itself."""

    def __init__(self, source: Source[E]) -> None:
        self._source = source

    @property
    def line(self) -> int:
        return self._source.line

    @property
    def letters(self) -> int:
        return self._source.letters

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """A reading for each entry; the first ones are passed over."""
        for number, entry in enumerate(self._source.rows()):
            if number >= skip:
                yield entry if isinstance(entry, Reading) else self._read(entry[1], entry[0])

    @abstractmethod
    def _read(self, entry: E, line: int) -> Reading: ...
