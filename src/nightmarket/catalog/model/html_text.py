"""Descriptions as other shops keep them, in HTML, become plain text, and plain text becomes HTML that comes back."""

import re
from html import escape
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_SILENT = frozenset(["script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg"])
_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_GAPS = re.compile(r"\n{3,}")
_LOOKS_LIKE_HTML = re.compile(
    r"<(?:/?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?|!--.*?--)>|&(?:[a-zA-Z]{2,8}|#\d{1,6});", re.DOTALL
)
_UNEVEN = re.compile(r"[^\S\n ]|  |^ | $|\n | \n|\n{3,}|^\n|\n$")
"""What plain HTML would not keep: it lets white space run together."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._kept = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 (its signature)
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self._end_line()
        elif tag == "li":
            self._begin_line()
            self.parts.append("• ")
        elif tag in _BLOCKS:
            self._begin_block()
        elif tag in {"td", "th"} and self.parts and not self.parts[-1].endswith(("\n", " ")):
            self.parts.append(" ")
        self._kept += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)
            self._kept -= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self._begin_block()
        self._kept = max(0, self._kept - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._kept:
            self.parts.append(data)
            return
        text = _SPACE.sub(" ", data)
        if not self.parts or self.parts[-1].endswith(("\n", " ")):
            text = text.lstrip(" ")
        if text:
            self.parts.append(text)

    def _begin_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self._end_line()

    def _end_line(self) -> None:
        if self.parts:
            self.parts[-1] = self.parts[-1].rstrip(" ")
        self.parts.append("\n")

    def _begin_block(self) -> None:
        if not self.parts:
            return
        end = "".join(self.parts[-2:])
        if not end.endswith("\n\n"):
            self._end_line() if end.endswith("\n") else self.parts.extend(("\n", "\n"))


def to_text(html: str) -> str:
    """The words of HTML with paragraphs and list items on lines of their own; text without tags stays as it is."""
    if not _LOOKS_LIKE_HTML.search(html):
        return html
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = "".join(reader.parts)
    if "<pre" in html:
        return text.removeprefix("\n").rstrip("\n")
    return _GAPS.sub("\n\n", text).strip()


def to_html(text: str) -> str:
    """HTML that shows the text, and that `to_text` brings back to it."""
    if not text:
        return ""
    if _UNEVEN.search(text):
        return f"<pre>{escape(text, quote=False)}</pre>"
    paragraphs = escape(text, quote=False).split("\n\n")
    return "".join(f"<p>{paragraph.replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)
