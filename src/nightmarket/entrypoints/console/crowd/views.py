"""What the page of the rush shows, made from files alone, so that it can be shown while the database is away."""

from datetime import datetime

import msgspec

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.seeding import crowd_article, sale_of
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import Unavailable
from nightmarket.rehearsal.contract import (
    BEAT_SECONDS,
    Article,
    CheckLine,
    CrowdFigures,
    Proof,
    Scene,
    Seen,
    State,
    Wish,
)
from nightmarket.rehearsal.errors import NoArticle

LAMPS_LIMIT = 100
"""Units that get a lamp each; of more, each lamp stands for several."""

BARS_LEAST = 60
BAR_HEIGHT = 100


class Bar(msgspec.Struct, frozen=True):
    """A beat of the graph: its place, and the heights of orders and refusals above each other."""

    x: int
    bought: float
    refused: float


class Stroke(msgspec.Struct, frozen=True):
    """One of the four things that are proven: `state` is open, good or bad."""

    name: str
    state: str
    figure: int
    of: int | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of the page at one moment."""

    scene: Scene
    state: State
    article: Article
    title: str
    wish: Wish | None
    crowd: CrowdFigures
    seen: Seen
    units: int
    left: int
    lamps: int
    lit: int
    bars: list[Bar]
    width: int
    peak: int
    outages: list[tuple[float, float]]
    """When the database was away, in beats of the graph: from, and how long."""
    proof: Proof | None
    strokes: list[Stroke]
    checks: list[CheckLine]
    opens_at: datetime | None
    opens_in: str
    down_for: float | None
    """Seconds that the database has been away; None while it is there."""

    @property
    def lively(self) -> bool:
        """Whether something is under way that changes by itself."""
        return self.scene.busy or self.scene.down or (self.has_run and (self.proof is None or not self.proof.final))

    @property
    def has_run(self) -> bool:
        return self.state in (State.OVER, State.STOPPED) or (self.scene.kill is not None and self.wish is None)

    @property
    def sold_out(self) -> bool:
        return self.state is not State.NONE and self.left == 0


async def title_of(desk: Desk) -> str:
    """What the article is called, for the page that is opened before anybody came."""
    try:
        listing = await desk.shop.stage.listing(crowd_article())
    except (NoArticle, Unavailable):
        return crowd_article().sku
    return pick(listing.title, desk.visit.language) or listing.sku


def view_of(desk: Desk, title: str) -> View:
    """The rush as it stands; `title` is the article's where no crowd has come for it yet."""
    stage, article, now = desk.shop.stage, crowd_article(), desk.shop.clock.now()
    scene = stage.scene()
    wish = scene.wish
    mine = scene.crowd is not None and wish is not None and scene.crowd.run == wish.run
    crowd = scene.crowd if mine and scene.crowd else CrowdFigures(at=now, buyers=wish.buyers if wish else 0)
    known = scene.seen is not None and (wish is None or scene.seen.run == wish.run)
    units = wish.units if wish else article.units
    seen = scene.seen if known and scene.seen else Seen(at=now, available=units)
    left = seen.available if wish else units
    lamps = min(units, LAMPS_LIMIT)
    bars, peak = _bars(crowd)
    sale = sale_of(desk.shop)
    opens = sale.starts_at if sale is not None and sale.starts_at > now else None
    away = scene.down
    since = (scene.seen.away_since if scene.seen else None) or (scene.kill.at if scene.kill else None)
    return View(
        scene=scene,
        state=scene.state,
        article=article,
        title=(pick(wish.title, desk.visit.language) if wish else None) or title,
        wish=wish,
        crowd=crowd,
        seen=seen,
        units=units,
        left=left,
        lamps=lamps,
        lit=-(-max(0, min(left, units)) * lamps // units),
        bars=bars,
        width=max(BARS_LEAST, len(bars)),
        peak=peak,
        outages=_outages(scene, crowd, now),
        proof=scene.proof,
        strokes=_strokes(scene.proof),
        checks=scene.proof.checks if scene.proof else [],
        opens_at=opens,
        opens_in=_clock((opens - now).total_seconds()) if opens else "",
        down_for=max(0.0, (now - since).total_seconds()) if away and since else None,
    )


def _bars(crowd: CrowdFigures) -> tuple[list[Bar], int]:
    peak = max((beat.bought + beat.refused for beat in crowd.beats), default=0)
    scale = BAR_HEIGHT / max(peak, 1)
    return [
        Bar(x, round(beat.bought * scale, 1), round(beat.refused * scale, 1)) for x, beat in enumerate(crowd.beats)
    ], peak


def _outages(scene: Scene, crowd: CrowdFigures, now: datetime) -> list[tuple[float, float]]:
    if scene.kill is None or crowd.began_at is None or scene.kill.at < crowd.began_at:
        return []
    seconds = scene.down_seconds if scene.down_seconds is not None else (now - scene.kill.at).total_seconds()
    skipped = max(0, int(crowd.seconds / BEAT_SECONDS) + 1 - len(crowd.beats))
    begins = (scene.kill.at - crowd.began_at).total_seconds() / BEAT_SECONDS - skipped
    return [(round(begins, 2), round(seconds / BEAT_SECONDS, 2))] if 0 <= begins < len(crowd.beats) else []


def _strokes(proof: Proof | None) -> list[Stroke]:
    """Found again, doubled, oversold, audit."""
    if proof is None:
        return [Stroke(name, "open", 0) for name in ("found", "doubled", "oversold", "audit")]

    def judged(fine: bool) -> str:
        return "good" if fine else "bad"

    settled = judged(not proof.off) if proof.audited else "open"
    return [
        Stroke("found", judged(proof.lost == 0), proof.present, proof.acknowledged),
        Stroke("doubled", judged(proof.doubled + proof.unknown == 0), proof.doubled + proof.unknown),
        Stroke("oversold", judged(proof.oversold == 0), proof.oversold),
        Stroke("audit", settled, proof.off),
    ]


def _clock(seconds: float) -> str:
    whole = max(0, -int(-seconds // 1))
    return f"{whole // 60}:{whole % 60:02d}"
