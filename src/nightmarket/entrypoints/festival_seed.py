"""The demo's festival: a window around this very night, planned again whenever the demo opens after its end."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window

ZONE = ZoneInfo("Europe/Berlin")
BY = "demo"
NAME = {"en": "Night of Lanterns", "de": "Nacht der Laternen", "it": "Notte delle lanterne", "zh": "灯笼之夜"}
WINDOW = {"en": "This night", "de": "Diese Nacht", "it": "Questa notte", "zh": "今夜"}
HOUR = timedelta(hours=1)

PHASES = {
    PhaseKind.WARM_UP: {"en": "Warm-up", "de": "Vorglühen", "it": "Riscaldamento", "zh": "预热"},
    PhaseKind.PRESALE: {"en": "Presale", "de": "Vorverkauf", "it": "Prevendita", "zh": "预售"},
    PhaseKind.EVE: {"en": "The eve", "de": "Der Vorabend", "it": "La vigilia", "zh": "前夜"},
    PhaseKind.MIDNIGHT: {"en": "Midnight", "de": "Mitternacht", "it": "Mezzanotte", "zh": "零点开抢"},
    PhaseKind.WAVE: {"en": "Morning wave", "de": "Morgenwelle", "it": "Onda del mattino", "zh": "早场"},
    PhaseKind.ENCORE: {"en": "Encore", "de": "Zugabe", "it": "Bis", "zh": "返场"},
}


def demo_festival(now: datetime, revision: int = 0) -> Festival:
    """A festival whose warm-up is on, and whose midnight is the next one that is at least three hours ahead."""
    tonight = (now + 3 * HOUR).astimezone(ZONE).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    midnight = (tonight + timedelta(days=1)).replace(tzinfo=ZONE).astimezone(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    eve = min(hour + 2 * HOUR, midnight - HOUR)
    spans = {
        PhaseKind.WARM_UP: (hour - 24 * HOUR, eve),
        PhaseKind.PRESALE: (hour - 24 * HOUR, midnight),
        PhaseKind.EVE: (eve, midnight),
        PhaseKind.MIDNIGHT: (midnight, midnight + 2 * HOUR),
        PhaseKind.WAVE: (midnight + 9 * HOUR, midnight + 12 * HOUR),
        PhaseKind.ENCORE: (midnight + 20 * HOUR, midnight + 44 * HOUR),
    }
    day = f"{hour:%F}"
    phases = tuple(
        Phase(id=derive("demo-phase", day, kind.value), kind=kind, name=PHASES[kind], starts_at=start, ends_at=end)
        for kind, (start, end) in spans.items()
    )
    window = Window(
        id=derive("demo-window", day),
        name=WINDOW,
        starts_at=hour - 24 * HOUR,
        ends_at=midnight + 44 * HOUR,
        phases=phases,
    )
    return Festival(id=derive("demo-festival"), revision=revision, name=NAME, zone=ZONE.key, windows=(window,))


async def plan_festival(shop: Shop) -> None:
    """Plan it, unless a festival is on or ahead."""
    await shop.festivals.refresh()
    now = shop.clock.now()
    if shop.festivals.moment(now) is not None:
        return
    known = {festival.id: festival.revision for festival in shop.festivals.all()}
    festival = demo_festival(now, known.get(derive("demo-festival"), 0))
    async with shop.database.transaction() as tx:
        await shop.festivals.save(tx, festival, BY, now)
    await shop.festivals.refresh()


def planned(shop: Shop) -> Festival | None:
    """The demo's own festival; none where somebody had planned another before it."""
    return next((one for one in shop.festivals.all() if one.id == derive("demo-festival")), None)
