"""Jinja2, set up once per process: strict about missing words, escaping everything, one environment per language."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from babel.support import Translations
from jinja2 import BytecodeCache, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.bccache import Bucket

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES, pick

from .formats import Formats
from .words import NAMES, TAGS


class TemplateFolders(msgspec.Struct, frozen=True):
    """Where templates lie: by the prefix that their names begin with, such as `shop/front.html`."""

    folders: dict[str, Path]


class Compiled(BytecodeCache):
    """Code of templates, compiled once for all languages; a template that changed is compiled anew."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket if its code is known."""
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the bucket's code."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


class Engine:
    """Renders templates in a language."""

    def __init__(
        self,
        templates: TemplateFolders,
        words: Mapping[str, Translations],
        shared: Mapping[str, object],
        formats: Mapping[str, Formats],
    ) -> None:
        loader = PrefixLoader({prefix: FileSystemLoader(folder) for prefix, folder in templates.folders.items()})
        self._environments = {
            language: _environment(loader, formats[language], words[language], {**shared, "language": language})
            for language in LANGUAGES
        }

    def render(self, name: str, language: str, words: Mapping[str, object]) -> bytes:
        """The template as UTF-8."""
        return self._environments[language].get_template(name).render(words).encode()


def _environment(loader: PrefixLoader, formats: Formats, words: Translations, shared: Mapping[str, Any]) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    install: Callable[..., None] = getattr(environment, "install_gettext_callables")  # noqa: B009 (added by an extension)
    install(words.ugettext, words.ungettext, newstyle=True)
    language: str = shared["language"]
    known: dict[str, Any] = environment.globals
    known |= {**shared, "language_tag": TAGS[language], "language_names": NAMES}
    known["formats"] = formats
    filters: dict[str, Any] = environment.filters
    filters |= {
        "money": formats.money,
        "number": formats.number,
        "date": formats.date,
        "instant": formats.instant,
        "pick": _picker(language),
        "ident": _ident,
    }
    return environment


def _ident(id: UUID, prefix: str) -> str:
    """The id as the outside knows it, such as `prd_...`."""
    return encode(prefix, id)


def _picker(language: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda texts: pick(texts, language) or ""
