"""Sentences that a verdict says: a text with figures in it, which whoever shows it puts into the reader's language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Said:
    """A text such as `%(amount)s off` and what stands in it; a text in it is translated too, a name is not."""

    text: str
    words: Mapping[str, "str | int | float | Said"] = field(default_factory=dict[str, "str | int | float | Said"])


Translate = Callable[[str], str]
Number = Callable[[float], str]


def tell(said: Said, translate: Translate, number: Number) -> str:
    """The sentence in a language."""
    words = {name: _word(value, translate, number) for name, value in said.words.items()}
    text = translate(said.text)
    return text % words if words else text


def english(said: Said) -> str:
    """As the code says it."""
    return tell(said, str, plain)


def plain(value: float) -> str:
    """A figure with as many places as say something."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return (f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}").rstrip("0").rstrip(".")


def _word(value: "str | float | Said", translate: Translate, number: Number) -> str:
    match value:
        case Said():
            return tell(value, translate, number)
        case str():
            return value
        case _:
            return number(value)
