"""Icons from lucide, written into the page: no request, and they take the colour of the text."""

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

_SHAPES = re.compile(r"<svg[^>]*>(?P<shapes>.*)</svg>", re.DOTALL)
_NAME = re.compile(r"[a-z0-9-]+")


class Icons:
    """Icons by their lucide name. Without the library's folder there are none, and the words beside them remain."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.svg = cache(self._svg)

    def _svg(self, name: str, style: str = "icon") -> Markup:
        """The icon for the eye; what it means stands beside it or in the element's label."""
        if not (_NAME.fullmatch(name) and _NAME.fullmatch(style)):
            raise ValueError(f"{name!r} is not an icon's name")
        if self._folder is None:
            return Markup("")
        path = self._folder / f"{name}.svg"
        found = _SHAPES.search(path.read_text())
        if found is None:
            raise ValueError(f"{path.name} is not an icon")
        shapes = " ".join(found["shapes"].split())
        return Markup(  # noqa: S704 (the library's shapes, and names that were checked)
            f'<svg class="{style}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
            f"{shapes}</svg>"
        )
