"""Every setting there is, in one table: its variable, what it means, its default.

Precedence: an option of the command, then the environment, then the default. `reference()` feeds the documentation.
"""

import difflib
import ipaddress
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import Problem
from nightmarket.platform.home import make_home, write_private
from nightmarket.platform.messages.smtp import mail_server
from nightmarket.platform.supervisor.lifeline import VARIABLE as LIFELINE_VARIABLE

PREFIX = "NIGHTMARKET_"
MOST_WORKERS = 64
LEAST_SECRET_LENGTH = 32
DEMO_ZONE = "Europe/Rome"
_NOT_SETTINGS = frozenset({LIFELINE_VARIABLE})
_DATABASE_SCHEMES = ("postgresql", "postgres")
_SHOWN_FROM_ELSEWHERE = {
    "secret": "made on first start",
    "workers": "1 or 2, by cores",
    "public_url": "http://HOST:PORT",
    "time_zone": "UTC, of a demo Europe/Rome",
}


class SettingRefused(Problem):
    """A setting that does not exist or has no such value; `field` is its variable."""

    code = "setting_refused"


def _named(variable: str, meaning: str) -> Meta:
    return Meta(description=meaning, extra={"variable": variable})


def default_workers() -> int:
    """Two web processes where there are two cores; one where the system cannot share a port among processes."""
    return min(2, os.cpu_count() or 1) if sys.platform == "linux" else 1


class Settings(Struct, frozen=True, kw_only=True):
    """What a process is told from outside. Read with `read_settings`."""

    host: Annotated[
        str,
        _named(
            "HOST", "Address to listen on. Anything but loopback opens the shop to others and closes the demo accounts."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, _named("PORT", "Port of shop, console and APIs."), Meta(ge=1, le=65_535)] = 1111
    home: Annotated[Path, _named("NIGHTMARKET_HOME", "Folder for the database, media, keys and logs.")] = Path(
        ".nightmarket"
    )
    public_url: Annotated[
        str | None,
        _named(
            "PUBLIC_URL",
            "Address by which visitors reach the shop, when a proxy stands before it. As HOST does, it opens the shop "
            "to others, unless it names loopback.",
        ),
    ] = None
    database_url: Annotated[
        str | None,
        _named(
            "DATABASE_URL",
            "A PostgreSQL 18 or newer of your own (postgresql://...), instead of the one that comes along.",
        ),
    ] = None
    database_account: Annotated[
        str | None,
        _named(
            "NIGHTMARKET_DATABASE_ACCOUNT",
            "When started by root: the account that PostgreSQL runs as, instead of nightmarket, postgres or nobody.",
        ),
    ] = None
    workers: Annotated[int, _named("NIGHTMARKET_WORKERS", "Number of web processes."), Meta(ge=1, le=MOST_WORKERS)] = (
        default_workers()
    )
    secret: Annotated[
        str | None,
        _named(
            "NIGHTMARKET_SECRET",
            f"Key that signs sessions and links, at least {LEAST_SECRET_LENGTH} characters. "
            "The same on every machine of one shop. Kept in the file `secret` of the home when not set.",
        ),
    ] = None
    time_zone: Annotated[
        str | None,
        _named(
            "NIGHTMARKET_TIME_ZONE",
            "Time zone in which the shop says dates and times, such as Europe/Rome; a festival has its own. "
            "Records of what happened are in UTC.",
        ),
    ] = None
    loopback_agents: Annotated[
        bool,
        _named(
            "NIGHTMARKET_LOOPBACK_AGENTS",
            "1: agents' profiles and webhook addresses may lie on this machine, over plain HTTP. For conformance tests "
            "only: `nightmarket up --seed ucp-flower-shop` sets it, and a shop that is open to others refuses it.",
        ),
    ] = False
    sample_answers: Annotated[
        bool,
        _named(
            "NIGHTMARKET_SAMPLE_ANSWERS",
            "1: where UCP's conformance suite wants something else than UCP's specification, answer as the suite "
            "wants. For conformance tests only: `nightmarket up --seed ucp-flower-shop` sets it, and a shop that is "
            "open to others refuses it.",
        ),
    ] = False
    simulation_secret: Annotated[
        str | None,
        _named(
            "NIGHTMARKET_SIMULATION_SECRET",
            "With NIGHTMARKET_SAMPLE_ANSWERS: what opens /testing/simulate-shipping. Closed where it is not set.",
        ),
    ] = None
    currency: Annotated[
        str,
        _named("NIGHTMARKET_CURRENCY", "Currency of whoever names none, such as EUR."),
        Meta(pattern="^[A-Z]{3}$"),
    ] = "EUR"
    mail_server: Annotated[
        str | None,
        _named(
            "NIGHTMARKET_MAIL_SERVER",
            "Where mails go out: smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465. "
            "Without it they stay in the console under Messages, What arrived on this machine.",
        ),
    ] = None
    mail_from: Annotated[
        str | None,
        _named("NIGHTMARKET_MAIL_FROM", "Address that mails come from; needed with NIGHTMARKET_MAIL_SERVER."),
    ] = None
    demo: Annotated[
        bool, _named("NIGHTMARKET_DEMO", "1: fill an empty shop with the demo, as `nightmarket up --demo` does.")
    ] = False

    @property
    def zone(self) -> ZoneInfo:
        """Where the shop's clock on the wall hangs."""
        return ZoneInfo(self.time_zone or (DEMO_ZONE if self.demo else "UTC"))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the shop: it listens on loopback, and no proxy carries others to it."""
        named = urlsplit(self.public_url).hostname if self.public_url else self.host
        return _is_loopback(self.host) and _is_loopback(named or "")

    @property
    def address(self) -> str:
        """Where visitors find the shop, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 (a comparison, no bind)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def __repr__(self) -> str:
        """Without secrets: settings end up in logs."""
        return f"Settings(host={self.host!r}, port={self.port}, home={str(self.home)!r}, workers={self.workers})"


class Described(Struct, frozen=True):
    """A line of the reference."""

    variable: str
    default: str
    meaning: str


def reference() -> list[Described]:
    """All settings in the order of the table."""
    lines: list[Described] = []
    for field in msgspec.structs.fields(Settings):
        variable, meaning = _words(field.name)
        default = _SHOWN_FROM_ELSEWHERE.get(field.name) or ("" if field.default is None else str(field.default))
        lines.append(Described(variable=variable, default=default, meaning=meaning))
    return lines


def read_settings(environment: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """Settings from the environment; `overrides` (by field name, None = not given) go before it.

    Raises SettingRefused for a value that does not fit and for an unknown variable that begins with NIGHTMARKET_.
    """
    by_variable = {_words(name)[0]: name for name in Settings.__struct_fields__}
    _refuse_unknown(environment, by_variable)
    given: dict[str, Any] = {
        name: environment[variable] for variable, name in by_variable.items() if environment.get(variable)
    }
    given |= {name: value for name, value in (overrides or {}).items() if value is not None}
    hints = get_type_hints(Settings, include_extras=True)
    values: dict[str, Any] = {}
    for name, value in given.items():
        try:
            values[name] = msgspec.convert(value, hints[name], strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            variable = _words(name)[0]
            raise SettingRefused(f"{variable} is {value!r}. {error}. {_words(name)[1]}", field=variable) from error
    settings = Settings(**values)
    _check(settings)
    return msgspec.structs.replace(settings, home=settings.home.expanduser().absolute())


def with_secret(settings: Settings) -> Settings:
    """The settings with their key: made on first start, readable by its owner only. Makes the home folder."""
    if settings.secret:
        return settings
    make_home(settings.home)
    file = settings.home / "secret"
    if not file.exists():
        write_private(file, secrets.token_urlsafe(48).encode())
    return msgspec.structs.replace(settings, secret=file.read_text().strip())


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables from which a child process reads these same settings."""
    variables: dict[str, str] = {}
    for name in Settings.__struct_fields__:
        value: object = getattr(settings, name)
        if value is not None:
            variables[_words(name)[0]] = ("1" if value else "0") if isinstance(value, bool) else str(value)
    return variables


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _words(name: str) -> tuple[str, str]:
    """Variable and meaning of a field."""
    for meta in get_type_hints(Settings, include_extras=True)[name].__metadata__:
        if meta.extra:
            return str(meta.extra["variable"]), str(meta.description)
    raise AssertionError(f"the setting {name} has no variable")


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise TypeError(f"a setting of {kind} has no decoder")


def _refuse_unknown(environment: Mapping[str, str], known: Mapping[str, str]) -> None:
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known and variable not in _NOT_SETTINGS:
            near = difflib.get_close_matches(variable, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise SettingRefused(f"There is no setting {variable}. {hint}", field=variable)


def _check(settings: Settings) -> None:
    if settings.secret is not None and len(settings.secret) < LEAST_SECRET_LENGTH:
        raise SettingRefused(
            f"NIGHTMARKET_SECRET has {len(settings.secret)} characters; it needs at least {LEAST_SECRET_LENGTH}. "
            "Leave it out to have one made, or use: openssl rand -base64 48",
            field="NIGHTMARKET_SECRET",
        )
    if settings.database_url is not None and urlsplit(settings.database_url).scheme not in _DATABASE_SCHEMES:
        raise SettingRefused(
            "DATABASE_URL has to begin with postgresql://, as in postgresql://user:password@host:5432/database.",
            field="DATABASE_URL",
        )
    if settings.time_zone is not None:
        try:
            ZoneInfo(settings.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingRefused(
                f"There is no time zone {settings.time_zone!r}; write it as in Europe/Rome or UTC.",
                field="NIGHTMARKET_TIME_ZONE",
            ) from None
    if settings.sample_answers and not settings.is_loopback:
        raise SettingRefused(
            "NIGHTMARKET_SAMPLE_ANSWERS tells the addresses of whoever is named, so a shop that is open to others "
            "cannot have it. Leave it out, or set HOST and PUBLIC_URL to loopback.",
            field="NIGHTMARKET_SAMPLE_ANSWERS",
        )
    _check_mail(settings)
    if not known_currency(settings.currency):
        text = f"NIGHTMARKET_CURRENCY is {settings.currency!r}, which is no currency; use ISO 4217 such as EUR."
        raise SettingRefused(text, field="NIGHTMARKET_CURRENCY")
    if settings.loopback_agents and not settings.is_loopback:
        raise SettingRefused(
            "NIGHTMARKET_LOOPBACK_AGENTS lets strangers name addresses of this machine, so a shop that is open to "
            "others cannot have it. Leave it out, or set HOST and PUBLIC_URL to loopback.",
            field="NIGHTMARKET_LOOPBACK_AGENTS",
        )
    if settings.public_url is not None:
        parts = urlsplit(settings.public_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise SettingRefused(
                "PUBLIC_URL has to be scheme and host only, as in https://shop.example.com.", field="PUBLIC_URL"
            )


def _check_mail(settings: Settings) -> None:
    if settings.mail_server is None:
        return
    try:
        mail_server(settings.mail_server)
    except ValueError:
        raise SettingRefused(
            "NIGHTMARKET_MAIL_SERVER has to be as in smtps://user:password@mail.example.com:465.",
            field="NIGHTMARKET_MAIL_SERVER",
        ) from None
    if settings.mail_from is None or settings.mail_from.count("@") != 1 or not settings.mail_from.isprintable():
        raise SettingRefused(
            "NIGHTMARKET_MAIL_SERVER needs NIGHTMARKET_MAIL_FROM, an address such as shop@example.com.",
            field="NIGHTMARKET_MAIL_FROM",
        )
