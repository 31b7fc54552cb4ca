"""Charts of the console: what they show, as data that the page draws and that stands in a table below it.

A chart's title says its finding. Without script the table is all there is, and says the same.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec


class Series(msgspec.Struct, frozen=True):
    """One row of values, one for each label; `text` is how each reads in the table."""

    name: str
    values: Sequence[float]
    text: Sequence[str]


class Chart(msgspec.Struct, frozen=True):
    """`labels` name the places on the axis, `unit` what the values are. `stacked` series add up."""

    id: str
    title: str
    kind: Literal["line", "bar", "rows"]
    axis: str
    unit: str
    labels: Sequence[str]
    series: Sequence[Series]
    stacked: bool = False
    live: bool = False
    """Drawn again and again while it grows, so it does not move in by itself."""

    @property
    def data(self) -> str:
        """What the script draws from."""
        return msgspec.json.encode(
            {
                "kind": self.kind,
                "unit": self.unit,
                "stacked": self.stacked,
                "live": self.live,
                "labels": self.labels,
                "series": [{"name": one.name, "values": one.values} for one in self.series],
            }
        ).decode()

    @property
    def empty(self) -> bool:
        return not self.live and not any(any(one.values) for one in self.series)
