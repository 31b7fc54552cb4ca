"""The form of a festival: one page with all windows and phases, read into what promotions keep."""

from collections.abc import Iterator, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import instant, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.festivals import (
    FESTIVAL,
    MAX_PHASES,
    MAX_WINDOWS,
    PHASE,
    WINDOW,
    Festival,
    Phase,
    PhaseKind,
    Window,
)

NO_KIND = say_later("Choose what this phase is.")
MOVED = say_later("Load the page again; this part of the form is not known.")


def blank(desk: Desk) -> Form:
    """The form of a new festival, in the shop's own zone."""
    return Form(
        {
            "once": encode(FESTIVAL, desk.shop.ids.new()),
            "revision": "0",
            "zone": desk.shop.settings.zone.key,
            "shown": "1",
            "windows": "1",
            "w0_phases": "2",
            "w0_id": encode(WINDOW, desk.shop.ids.new()),
            "w0_p0_id": encode(PHASE, desk.shop.ids.new()),
            "w0_p1_id": encode(PHASE, desk.shop.ids.new()),
        }
    )


def filled(desk: Desk, festival: Festival) -> Form:
    """The form of a festival as it is, with room for one phase more in each window and for one window more."""
    zone = festival.zone_info
    values = {
        "once": encode(FESTIVAL, festival.id),
        "revision": str(festival.revision),
        "zone": festival.zone,
        "shown": "1" if festival.shown else "",
        "windows": str(min(MAX_WINDOWS, len(festival.windows) + 1)),
        **_names(festival.name, ""),
    }
    for place, window in enumerate(festival.windows):
        key = f"w{place}_"
        values |= {
            f"{key}id": encode(WINDOW, window.id),
            f"{key}phases": str(min(MAX_PHASES, len(window.phases) + 1)),
            **shown(zone, {f"{key}starts_at": window.starts_at, f"{key}ends_at": window.ends_at}),
            **_names(window.name, key),
        }
        for number, phase in enumerate(window.phases):
            own = f"{key}p{number}_"
            values |= {
                f"{own}id": encode(PHASE, phase.id),
                f"{own}kind": phase.kind.value,
                **shown(zone, {f"{own}starts_at": phase.starts_at, f"{own}ends_at": phase.ends_at}),
                **_names(phase.name, own),
            }
        values[f"{key}p{len(window.phases)}_id"] = encode(PHASE, desk.shop.ids.new())
    more = f"w{len(festival.windows)}_"
    values |= {f"{more}id": encode(WINDOW, desk.shop.ids.new()), f"{more}phases": "1"}
    values[f"{more}p0_id"] = encode(PHASE, desk.shop.ids.new())
    return Form(values)


def _names(names: Mapping[str, str], key: str) -> dict[str, str]:
    return {f"{key}name_{language}": names.get(language, "") for language in LANGUAGES}


def rows(form: Form) -> list[tuple[str, list[str]]]:
    """The beginnings of the names of fields: of each window, and of each of its phases."""
    windows = min(MAX_WINDOWS, form.number("windows", 1))
    return [
        (
            f"w{place}_",
            [f"w{place}_p{number}_" for number in range(min(MAX_PHASES, form.number(f"w{place}_phases", 1)))],
        )
        for place in range(windows)
    ]


def read(desk: Desk, form: Form) -> Festival | None:
    """The festival that the form describes; None, with the errors noted, if it cannot be one."""
    zone = ZoneInfo(form.get("zone")) if form.get("zone") in available_timezones() else ZoneInfo("UTC")
    windows = tuple(_windows(desk, form, zone))
    festival = Festival(
        id=_id(desk, form, FESTIVAL, "once"),
        revision=form.number("revision", 0),
        name=_read_names(form, ""),
        zone=form.get("zone"),
        windows=windows,
        shown=form.get("shown") == "1",
    )
    return None if form.errors else festival


def _windows(desk: Desk, form: Form, zone: ZoneInfo) -> Iterator[Window]:
    """Those that somebody filled in and did not take away."""
    for key, phases in rows(form):
        name = _read_names(form, key)
        if form.get(f"{key}gone") == "1" or not (name or form.get(f"{key}starts_at")):
            continue
        starts_at, ends_at = instant(desk, form, f"{key}starts_at", zone), instant(desk, form, f"{key}ends_at", zone)
        found = tuple(_phases(desk, form, zone, phases))
        if starts_at and ends_at:
            yield Window(
                id=_id(desk, form, WINDOW, f"{key}id"), name=name, starts_at=starts_at, ends_at=ends_at, phases=found
            )


def _phases(desk: Desk, form: Form, zone: ZoneInfo, keys: list[str]) -> Iterator[Phase]:
    for key in keys:
        name = _read_names(form, key)
        if form.get(f"{key}gone") == "1" or not (name or form.get(f"{key}starts_at")):
            continue
        starts_at, ends_at = instant(desk, form, f"{key}starts_at", zone), instant(desk, form, f"{key}ends_at", zone)
        if form.get(f"{key}kind") not in set(PhaseKind):
            form.wrong(f"{key}kind", desk.say(NO_KIND))
            continue
        if starts_at and ends_at:
            yield Phase(
                id=_id(desk, form, PHASE, f"{key}id"),
                kind=PhaseKind(form.get(f"{key}kind")),
                name=name,
                starts_at=starts_at,
                ends_at=ends_at,
            )


def field_of(form: Form, festival: Festival, field: str) -> str:
    """The form's field for a place in the festival: `windows[0].phases[1].ends_at`."""
    path = field.replace("]", "").replace("[", ".").split(".")
    if path[0] != "windows" or len(path) < 2:
        return {"name": "name_en"}.get(path[0], path[0])
    window = festival.windows[int(path[1])]
    key = _key(form, encode(WINDOW, window.id))
    if len(path) > 3 and path[2] == "phases":
        key, path = _key(form, encode(PHASE, window.phases[int(path[3])].id)), path[2:]
    last = path[2] if len(path) > 2 else "starts_at"
    return f"{key}name_{path[3] if len(path) > 3 else 'en'}" if last == "name" else f"{key}{last}"


def _key(form: Form, ident: str) -> str:
    name = next((name for name, value in form.values.items() if value == ident and name.endswith("_id")), "")
    return name.removesuffix("id")


def _read_names(form: Form, key: str) -> dict[str, str]:
    return {language: text for language in LANGUAGES if (text := form.get(f"{key}name_{language}"))}


def _id(desk: Desk, form: Form, prefix: str, name: str) -> UUID:
    try:
        return decode(prefix, form.get(name))
    except InvalidInput:
        form.wrong(name, desk.say(MOVED))
        return desk.shop.ids.new()
