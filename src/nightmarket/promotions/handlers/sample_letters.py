"""What those who booked a sample are written: their pass, and a reminder."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract.places import Place
from nightmarket.promotions.contract.samples import BOOKING, Booking, Sample, Slot

Words = tuple[str, str, str]
BOOKED: Mapping[str, Words] = {
    "en": ("Your sample is waiting: {name}", "On {day} at {time} ({zone}), {place}, {address}.",
           "Show this page at the counter, or say the code {code}. There you can cancel, too:\n{link}"),
    "de": ("Deine Probe wartet: {name}", "Am {day} um {time} ({zone}), {place}, {address}.",
           "Zeig diese Seite an der Theke oder sag den Code {code}. Dort kannst du auch absagen:\n{link}"),
    "it": ("Il tuo campione ti aspetta: {name}", "Il {day} alle {time} ({zone}), {place}, {address}.",
           "Mostra questa pagina al banco o di’ il codice {code}. Da lì puoi anche disdire:\n{link}"),
    "zh": ("你的试用装已预留：{name}", "{day} {time}（{zone}），{place}，{address}。",
           "到柜台出示此页面或报出取件码 {code}。也可在此取消：\n{link}"),
}  # fmt: skip
"""Subject, when and where, what to do."""

REMINDER: Mapping[str, str] = {
    "en": "Soon: {name}",
    "de": "Bald: {name}",
    "it": "Tra poco: {name}",
    "zh": "即将开始：{name}",
}


SHUT: Mapping[str, tuple[str, str]] = {
    "en": (
        "Cancelled: {name}",
        "{place} will not be open on {day} at {time} ({zone}), so your seat is cancelled. You may choose another time:",
    ),
    "de": (
        "Abgesagt: {name}",
        "{place} ist am {day} um {time} ({zone}) nicht geöffnet, dein Termin entfällt. Du kannst einen anderen wählen:",
    ),
    "it": (
        "Annullato: {name}",
        "Il {day} alle {time} ({zone}) {place} non sarà aperto: il posto è annullato. Puoi scegliere un altro orario:",
    ),
    "zh": (
        "已取消：{name}",
        "{place}在{day} {time}（{zone}）不营业，你的预约已取消。可另选时间：",
    ),
}
"""Subject, and what happened, where a place is closed before the slot."""


class Appointment(msgspec.Struct, frozen=True):
    """A booking with all that its letters say."""

    booking: Booking
    slot: Slot
    sample: Sample
    place: Place
    link: str


def booked_mail(one: Appointment) -> Message:
    """The pass, at once."""
    return _mail("sample-booked", BOOKED[_language(one.booking)][0], one)


def reminder_mail(one: Appointment) -> Message:
    """The same some hours before."""
    return _mail("sample-soon", REMINDER[_language(one.booking)], one)


def shut_mail(one: Appointment) -> Message:
    """That the place is closed by then."""
    subject, what = SHUT[_language(one.booking)]
    return _mail("sample-shut", subject, one, f"{what}\n{{samples}}")


def _language(booking: Booking) -> str:
    return booking.language if booking.language in BOOKED else DEFAULT_LANGUAGE


def _mail(kind: str, subject: str, one: Appointment, what: str = "") -> Message:
    language, ident = _language(one.booking), encode(BOOKING, one.booking.id)
    _, when, how = BOOKED[language]
    zone = ZoneInfo(one.place.terms.zone)
    begins = one.slot.starts_at.astimezone(zone)
    locale = "zh_Hans" if language == "zh" else language
    words = {
        "name": pick(one.sample.terms.name, language) or "",
        "day": format_date(begins.date(), "full", locale=locale),
        "time": f"{begins:%H:%M}",
        "zone": zone.key,
        "place": pick(one.place.terms.name, language) or "",
        "address": one.place.terms.address,
        "code": one.booking.code,
        "link": one.link,
        "samples": f"{one.link.partition('/sample-pass/')[0]}/samples",
    }
    return Message(
        key=f"{kind}:{ident}",
        channel=ChannelKind.MAIL,
        to=one.booking.email,
        language=one.booking.language,
        subject=subject.format(**words),
        text="\n\n".join(part.format(**words) for part in ((what,) if what else (when, how))) + "\n",
        about=ident,
    )
