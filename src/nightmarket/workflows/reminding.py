"""Reminders go out: rows that are due become mails and push messages, each once, in sets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.engagement.contract.profiles import Profiles, Purpose
from nightmarket.engagement.contract.reminders import Reminder, Reminders, Way
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.orders.contract import Orders
from nightmarket.platform.access import Links, account_emails
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.promotions.contract.festivals import PHASE, Festivals, Phase

LATE = timedelta(minutes=30)
"""A reminder that could not go out until so long after the beginning is left out: it would help nobody."""

SOON = {
    "en": "{phase} starts in {minutes} minutes",
    "de": "{phase} beginnt in {minutes} Minuten",
    "it": "{phase} comincia tra {minutes} minuti",
    "zh": "{phase}将在{minutes}分钟后开始",
}
BEGUN = {
    "en": "{phase} has begun",
    "de": "{phase} hat begonnen",
    "it": "{phase} è cominciato",
    "zh": "{phase}已经开始",
}
READY = {
    "en": ("Your cart is ready.", "Your cart is still empty. See what is in the festival:"),
    "de": ("Dein Warenkorb ist bereit.", "Dein Warenkorb ist noch leer. Sieh nach, was zum Festival gehört:"),
    "it": ("Il tuo carrello è pronto.", "Il tuo carrello è ancora vuoto. Guarda che cosa c'è nel festival:"),
    "zh": ("你的购物车已备好。", "你的购物车还是空的。来看看活动商品："),
}
"""With something in the cart, and without."""

WHY = {
    "en": "You asked for this reminder. No more of them: {stop}",
    "de": "Du hast um diese Erinnerung gebeten. Keine weiteren: {stop}",
    "it": "Hai chiesto tu questo promemoria. Per non riceverne più: {stop}",
    "zh": "这是你要求的提醒。如不想再收到:{stop}",
}


class Reminding:
    """The drain. Follows festivals, since a phase that moves takes its reminders along."""

    def __init__(
        self,
        database: Database,
        festivals: Festivals,
        shoppers: tuple[Reminders, Profiles, Orders],
        outbox: Outbox,
        links: Links,
    ) -> None:
        self._database = database
        self._festivals = festivals
        self._reminders, self._profiles, self._orders = shoppers
        self._outbox = outbox
        self._links = links
        self._planned: dict[UUID, datetime] | None = None

    async def step(self, clock: Clock, address: str) -> int:
        """Plan anew where phases moved, then tell those who are due; returns how many were told."""
        now = clock.now()
        phases = {phase.id: phase for one in self._festivals.all() if one.shown for phase in one.phases}
        starts = {id: phase.starts_at for id, phase in phases.items()}
        async with self._database.transaction() as tx:
            if starts != self._planned:
                await self._reminders.plan(tx, starts)
                self._planned = starts
            due = await self._reminders.take(tx, now)
            if not due:
                return 0
            messages = await self._messages(tx, due, phases, (now, address))
            if messages:
                await self._outbox.send(tx, messages)
        return len(due)

    async def _messages(
        self, tx: Connection, due: Sequence[Reminder], phases: dict[UUID, Phase], when: tuple[datetime, str]
    ) -> list[Message]:
        now, address = when
        owners = [one.owner for one in due if one.way is Way.MAIL]
        agreed = await self._profiles.agreed(tx, owners, Purpose.REMINDERS) if owners else set[UUID]()
        emails = await account_emails(tx, list(agreed)) if agreed else {}
        full = await self._orders.with_cart(tx, list(dict.fromkeys(one.owner for one in due)))
        found: list[Message] = []
        for one in due:
            phase = phases.get(one.phase)
            to = emails.get(one.owner) if one.way is Way.MAIL else one.target
            if phase is not None and to is not None and now < phase.starts_at + LATE:
                stop = f"{address}/festival/stop/{self._links.token(one.owner, now)}"
                link = f"{address}/cart" if one.owner in full else f"{address}/festival"
                found.append(message_of(one, phase, to, (now, link, stop, one.owner in full)))
        return found


def message_of(one: Reminder, phase: Phase, to: str, words: tuple[datetime, str, str, bool]) -> Message:
    """A reminder as a mail or a push message; `words` are the instant, where a press leads, how to stop, and whether
    there is something in the cart."""
    now, link, stop, is_ready = words
    left = (phase.starts_at - now).total_seconds()
    language = one.language if one.language in SOON else DEFAULT_LANGUAGE
    body = READY[language][0 if is_ready else 1]
    name = pick(phase.name, language) or ""
    subject = (SOON if left > 0 else BEGUN)[language].format(phase=name, minutes=max(1, round(left / 60)))
    mail = f"{body}\n\n{link}\n\n{WHY[language].format(stop=stop)}\n"
    return Message(
        key=f"reminder:{encode('rem', one.id)}",
        channel=ChannelKind.MAIL if one.way is Way.MAIL else ChannelKind.PUSH,
        to=to,
        language=language,
        subject=subject,
        text=mail if one.way is Way.MAIL else f"{body}\n{link}",
        about=encode(PHASE, phase.id),
    )
