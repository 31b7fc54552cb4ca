"""Mail that leaves the machine: SMTP, with TLS unless the server is on this machine."""

import asyncio
import re
import smtplib
import ssl
import time
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable

from .letters import Channel, Message, Parcel, Refusal

TIMEOUT_SECONDS = 5
"""How long one answer of the server may take."""

BUSY_SECONDS = 8
"""After so long nothing more is begun, so that all is answered within the postman's 30 seconds."""

PORTS = {"smtp": 587, "smtps": 465}
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
NEVER_THERE = re.compile(r"[@.](example(\.(com|net|org))?|invalid|localhost|test)\Z", re.IGNORECASE)
"""How addresses end that lead to nobody (RFC 2606): those of a demo, of tests and of a rehearsal's shoppers."""

NO_MORE_TIME = Refusal("The mail server was too slow for all of them.")
PERMANENT = range(500, 600)


class MailServer(NamedTuple):
    """Where mails are handed over. `secure`: TLS from the first byte; otherwise STARTTLS, but for this machine."""

    host: str
    port: int
    secure: bool
    user: str
    password: str


def mail_server(address: str) -> MailServer:
    """Of smtp://user:password@host:587 or smtps://user:password@host:465. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("no address of a mail server")
    port = parts.port or PORTS[parts.scheme]
    return MailServer(
        parts.hostname, port, parts.scheme == "smtps", unquote(parts.username or ""), unquote(parts.password or "")
    )


class SmtpChannel:
    """Implements `Channel` for mail. What no server on earth could deliver goes `elsewhere`, where people read it."""

    def __init__(self, server: MailServer, sender: str, elsewhere: Channel, clock: Clock) -> None:
        self._server = server
        self._sender = sender
        self._elsewhere = elsewhere
        self._clock = clock

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        """One answer per parcel, in order. Raises Unavailable where the server is not there or does not let us in."""
        kept = [one for one in parcels if NEVER_THERE.search(one.message.to)]
        outward = [one for one in parcels if one not in kept]
        answers: dict[int, Refusal | None] = {}
        if kept:
            for one, answer in zip(kept, await self._elsewhere.deliver(kept), strict=True):
                answers[id(one)] = answer
        if outward:
            for one, answer in zip(outward, await asyncio.to_thread(self._hand_over, outward), strict=True):
                answers[id(one)] = answer
        return [answers[id(one)] for one in parcels]

    def _hand_over(self, parcels: list[Parcel]) -> list[Refusal | None]:
        began = time.monotonic()
        try:
            server = self._opened()
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"The mail server {self._server.host} did not take mails: {error}") from error
        answers = [
            NO_MORE_TIME if time.monotonic() - began > BUSY_SECONDS else self._send(server, one) for one in parcels
        ]
        with suppress(OSError, smtplib.SMTPException):  # what was taken stays taken, however we part
            server.quit()
        return answers

    def _opened(self) -> smtplib.SMTP:
        at, context = self._server, ssl.create_default_context()
        if at.secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(at.host, at.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(at.host, at.port, timeout=TIMEOUT_SECONDS)
        if not at.secure and at.host not in HERE:
            server.starttls(context=context)
        if at.user:
            server.login(at.user, at.password)
        return server

    def _send(self, server: smtplib.SMTP, parcel: Parcel) -> Refusal | None:
        try:
            server.send_message(self._written(parcel), self._sender, [parcel.message.to])
        except (ValueError, IndexError, MessageError, smtplib.SMTPNotSupportedError) as error:
            return Refusal(f"No mail can be written to that address: {error}", permanent=True)
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()))
            return Refusal(f"{code} {words.decode(errors='replace')}", permanent=code in PERMANENT)
        except smtplib.SMTPResponseException as refused:
            return Refusal(f"{refused.smtp_code} {refused.smtp_error!r}")
        except (OSError, smtplib.SMTPException) as error:
            return Refusal(f"The mail server went away: {error}")
        return None

    def _written(self, parcel: Parcel) -> EmailMessage:
        message: Message = parcel.message
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=message.to)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{parcel.id.hex}@{Address(addr_spec=self._sender).domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = message.language
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        return mail
