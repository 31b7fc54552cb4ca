"""Takes an XML feed apart as a stream. Nothing is expanded: a document that defines entities is refused."""

import io
from collections import deque
from collections.abc import Iterator
from xml.parsers import expat

from nightmarket.catalog.errors import FileForeign, Reason
from nightmarket.catalog.model.checks import RowRefused, printable
from nightmarket.catalog.model.google_rows import KNOWN, field_name
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.rows import Reading

from .import_lines import MAX_ROW_LETTERS, too_long

BLOCK_LETTERS = 64 * 1024
MAX_DEPTH = 32
MAX_VALUES = 1_000
"""Values of one item."""

ITEMS = frozenset({"item", "entry"})
GOOGLE = "http://base.google.com/ns/1.0"
DETAIL = ("section_name", "attribute_name", "attribute_value")

Values = dict[str, list[str]]


class XmlItems:
    """The items of a feed, each with the line that it begins in; `line` and `letters` say how far it has been read."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.line = 0
        self.letters = 0
        self._text = text
        self._found: deque[tuple[int, Values] | Reading] = deque()
        self._path: list[str] = []
        self._item_depth = 0
        self._item_line = 0
        self._values: Values = {}
        self._plain: Values = {}
        self._words: list[str] = []
        self._detail: dict[str, str] = {}
        self._size = 0
        self._amount = 0
        self._parser = self._new_parser()

    def rows(self) -> Iterator[tuple[int, Values] | Reading]:
        """Each item; a document that breaks is a refusal, and nothing behind it can be read."""
        while True:
            block = self._text.read(BLOCK_LETTERS)
            self.letters += len(block)
            try:
                self._parser.Parse(block, not block)
            except expat.ExpatError as error:
                yield from self._take()
                yield Reading(None, [remark(error.lineno, _broken(error))], 1)
                return
            self.line = self._parser.CurrentLineNumber
            yield from self._take()
            if not block:
                return

    def _take(self) -> Iterator[tuple[int, Values] | Reading]:
        while self._found:
            yield self._found.popleft()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        parser.ExternalEntityRefHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._say
        return parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._path.append(local)
        if len(self._path) > MAX_DEPTH:
            raise FileForeign(f"The XML is nested more than {MAX_DEPTH} deep; that is no feed.", field="file")
        self._words = []
        if local in ITEMS and not self._item_depth:
            self._item_depth = len(self._path)
            self._item_line = self._parser.CurrentLineNumber
            self._values, self._plain, self._size, self._amount = {}, {}, 0, 0
        elif self._item_depth and local == "link" and space != GOOGLE and "href" in attributes:
            self._plain.setdefault("link", []).append(attributes["href"].strip())

    def _say(self, text: str) -> None:
        if self._item_depth:
            self._size += len(text)
            if self._size <= MAX_ROW_LETTERS:
                self._words.append(text)

    def _end(self, name: str) -> None:
        space, _, local = name.rpartition(" ")
        depth = len(self._path)
        self._path.pop()
        if not self._item_depth:
            return
        if depth == self._item_depth:
            self._item_depth = 0
            self._finish()
        elif depth == self._item_depth + 1:
            self._value(space, local)
        elif depth == self._item_depth + 2 and self._path[-1] == "product_detail" and local in DETAIL:
            self._detail[local] = "".join(self._words).strip()
        self._words = []

    def _value(self, space: str, local: str) -> None:
        field = field_name(local)
        if field == "product_detail":
            value = ":".join(self._detail.get(part, "") for part in DETAIL)
            self._detail = {}
        else:
            value = "".join(self._words).strip()
        field = {"summary": "description", "content": "description"}.get(field, field) if space != GOOGLE else field
        if field not in KNOWN:
            return
        self._amount += 1
        if self._amount <= MAX_VALUES:
            (self._values if space == GOOGLE else self._plain).setdefault(field, []).append(value)

    def _finish(self) -> None:
        """Google's own fields count before those of RSS or Atom with the same name."""
        if self._size > MAX_ROW_LETTERS or self._amount > MAX_VALUES:
            self._found.append(Reading(None, [remark(self._item_line, too_long())], 1))
        else:
            self._found.append((self._item_line, {**self._plain, **self._values}))


def _refuse_doctype(*_: object) -> int:
    raise FileForeign(
        "The XML brings definitions of its own (DOCTYPE or entities), which a feed does not need; remove them.",
        field="file",
    )


def _broken(error: expat.ExpatError) -> RowRefused:
    return RowRefused(
        "",
        Reason.XML_INVALID,
        f"The XML breaks here ({printable(expat.ErrorString(error.code))}, column {error.offset + 1}), "
        "and what follows cannot be read.",
        "Mend it there, or write the feed again, and import it once more.",
    )
