"""What players are told before they begin: where the shop is, what is sold there, and how the day goes."""

import msgspec

from .curve import Timing

GOODS_LIMIT = 2_000
"""Articles that a play knows of at most."""


class Good(msgspec.Struct, frozen=True):
    """An article as shoppers know it: its id at the order API, the address of its page, a word to search it by."""

    item: str
    page: str
    word: str
    merchant: str
    category: str


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A play. `goods` begin with the hottest; the first is what bots are after."""

    address: str
    token: str
    """The key by which all that is ordered becomes a shadow."""
    run: str
    seed: int
    orders: int
    timing: Timing
    currency: str
    country: str
    goods: list[Good]
    workers: int
    slots: int
    """Shoppers who can be in the shop at once, over all workers."""
    looks: float = 1.0
    """How much is looked at beside what is ordered: 1 as on a usual night, 0 nothing."""


class Told(msgspec.Struct, array_like=True):
    """An order that a shopper was told of: the acknowledgement, and what shall become of it."""

    order: str
    total: int
    currency: str
    state: str
    wish: str = ""
    """`pay`: the transfer will come; `cancel`: it will be taken back; else nothing."""


class Score(msgspec.Struct, kw_only=True):
    """What players saw since the last report; reports of several workers add up."""

    users: int = 0
    waiting: int = 0
    tried: int = 0
    placed: int = 0
    paid: int = 0
    requests: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    errors: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    took: dict[int, int] = msgspec.field(default_factory=dict[int, int])
    """Answers by how long they took, in milliseconds rounded to two figures."""
    told: list[Told] = msgspec.field(default_factory=list[Told])
    left: int = 0
    """Visits that have not ended yet."""

    def add(self, other: "Score") -> None:
        """Take in what another worker saw."""
        for name in ("users", "waiting", "tried", "placed", "paid", "requests", "left"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.refused, other.refused), (self.errors, other.errors), (self.took, other.took)):
            for key, amount in theirs.items():
                mine[key] = mine.get(key, 0) + amount  # pyright: ignore[reportArgumentType, reportCallIssue]
        self.told += other.told

    def answered(self, milliseconds: float) -> None:
        """Count one answer."""
        rounded = _rounded(milliseconds)
        self.took[rounded] = self.took.get(rounded, 0) + 1
        self.requests += 1

    def quantile(self, share: float) -> float:
        """The time within which that share of the answers came; 0 where there was none."""
        wanted, seen = share * sum(self.took.values()), 0
        for milliseconds in sorted(self.took):
            seen += self.took[milliseconds]
            if seen >= wanted:
                return float(milliseconds)
        return 0.0


class Word(msgspec.Struct, kw_only=True):
    """A line that the leading player says: that it is ready, or what was seen in one second."""

    kind: str
    """`ready`, `second`, `over`, or `broken` with a reason."""
    t: float = 0.0
    score: Score | None = None
    why: str = ""


def _rounded(milliseconds: float) -> int:
    whole = max(1, round(milliseconds))
    return whole if whole < 100 else round(whole, 1 - len(str(whole)) + 1)
