"""Fetches one address: the name is resolved once, the addresses are checked, and the connection goes to one of those.

The name is not looked up again when connecting, so that its answer can't change in between (DNS rebinding). Redirects
are followed by hand, each checked as the first address was, or not at all. Nothing is sent but what the question holds.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urljoin

import httpx
import msgspec

from .addresses import PORTS, Target, is_public, parse
from .errors import OutsideFailed, OutsideRefused

MAX_REDIRECTS = 3
MAX_SECONDS = 20.0
"""For all of a fetch: looking the name up, every redirect, every byte."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
AT_ONCE = 8
"""Fetches side by side in one process; more wait."""

RESOLVED_LIMIT = 8
HTTP_OK = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
WEB_PORTS = frozenset(PORTS.values())
AGENT = "Nightmarket-Import/1.0"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
T = TypeVar("T")
ACCEPTED = "image/*,*/*;q=0.5"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Of a longer answer than `max_bytes` the beginning is kept where `cut`, else it is refused."""

    url: str
    max_bytes: int
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes = b""
    cut: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What came back, whatever its status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses behind a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class OutsideOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the outside is asked. `allow_loopback` lets addresses of this machine through, on any port and without TLS:
    for tests. With `https_only` nothing else is asked without TLS."""

    allow_loopback: bool = False
    https_only: bool = False
    at_once: int = AT_ONCE
    agent: str = AGENT
    max_seconds: float = MAX_SECONDS
    resolve: Resolve = resolve


class Outside:
    """Asks the web for what strangers name."""

    def __init__(self, options: OutsideOptions | None = None) -> None:
        self._options = options or OutsideOptions()
        self._room = asyncio.Semaphore(self._options.at_once)
        self._client: httpx.AsyncClient | None = None

    def check(self, url: str) -> None:
        """Raise OutsideRefused for an address that would not be asked, as far as it says so itself."""
        target = self._parse(url)
        try:
            ipaddress.ip_address(target.host)
        except ValueError:
            if target.scheme == "http" and self._options.https_only and not self._options.allow_loopback:
                raise _plain() from None
            return
        if not self._may_ask(target, target.host):
            raise _plain() if self._is_too_plain(target, target.host) else _private(target)

    async def fetch(self, url: str, max_bytes: int) -> bytes:
        """What lies at the address. Raises OutsideRefused or OutsideFailed."""
        return await self._in_time(self._follow(url, max_bytes))

    async def ask(self, question: Question) -> Answer:
        """One answer of whatever status; a redirect is an answer too, and not followed. Raises as `fetch`."""
        return await self._in_time(self._ask(self._parse(question.url), question))

    async def _in_time(self, work: Coroutine[None, None, T]) -> T:
        try:
            async with self._room, asyncio.timeout(self._options.max_seconds):
                return await work
        except TimeoutError:
            raise OutsideFailed(f"There was no answer within {self._options.max_seconds:g} seconds.") from None
        finally:
            work.close()

    async def close(self) -> None:
        """Close what is open."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _follow(self, url: str, max_bytes: int) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            target = self._parse(url)
            answer = await self._ask(target, Question(url=url, max_bytes=max_bytes))
            if answer.status == HTTP_OK:
                return answer.body
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or location is None:
                raise OutsideFailed(f"{target.host} answered {answer.status}.")
            url = urljoin(target.url, location)
        raise OutsideFailed(f"It was redirected more than {MAX_REDIRECTS} times.")

    def _parse(self, url: str) -> Target:
        return parse(url, frozenset(range(1, 65_536)) if self._options.allow_loopback else WEB_PORTS)

    def _is_too_plain(self, target: Target, address: str) -> bool:
        local = self._options.allow_loopback and ipaddress.ip_address(address).is_loopback
        return self._options.https_only and target.scheme != "https" and not local

    def _may_ask(self, target: Target, address: str) -> bool:
        if self._is_too_plain(target, address):
            return False
        if self._options.allow_loopback and ipaddress.ip_address(address).is_loopback:
            return True
        return target.port in WEB_PORTS and is_public(address)

    async def _ask(self, target: Target, question: Question) -> Answer:
        failure: Exception | None = None
        for address in await self._addresses(target):
            try:
                return await self._send(target, address, question)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise OutsideFailed(f"{target.host} cannot be reached: {failure}.")

    async def _addresses(self, target: Target) -> Sequence[str]:
        """The checked addresses of the host. If one of them is not public, none is asked: such a name is a trick."""
        try:
            found = [str(ipaddress.ip_address(target.host))]
        except ValueError:
            try:
                found = list(await self._options.resolve(target.host, target.port))
            except (OSError, UnicodeError):
                raise OutsideFailed(f"There is no host {target.host}.") from None
        if not found:
            raise OutsideFailed(f"There is no host {target.host}.")
        for address in found:
            if not self._may_ask(target, address):
                raise _plain() if self._is_too_plain(target, address) else _private(target)
        return found[:RESOLVED_LIMIT]

    async def _send(self, target: Target, address: str, question: Question) -> Answer:
        url = httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode())
        headers = {"accept": ACCEPTED, **question.headers, "host": target.authority, "user-agent": self._options.agent}
        headers["accept-encoding"] = "identity"  # packed bytes could unfold without bounds
        client, tls = self._opened(), _name_for_tls(target)
        content = question.body or None
        request = client.build_request(question.method, url, headers=headers, content=content, extensions=tls)
        try:
            answer = await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise _failed(target, error) from error
        try:
            known = {name.lower(): value for name, value in answer.headers.items()}
            if not question.cut and answer.status_code != HTTP_OK:
                return Answer(answer.status_code, known, b"")
            if known.get("content-encoding", "identity") != "identity":
                raise OutsideFailed(f"{target.host} sent it packed, though plain bytes were asked for.")
            return Answer(answer.status_code, known, await _read(answer, target, question))
        except (httpx.HTTPError, OSError) as error:
            raise _failed(target, error) from error
        finally:
            await answer.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
            # One connection a fetch: a kept one belongs to an address, while names may share it.
            limits = httpx.Limits(max_connections=self._options.at_once, max_keepalive_connections=0)
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout, limits=limits)
        return self._client


def _private(target: Target) -> OutsideRefused:
    return OutsideRefused(f"{target.host} lies in a private or special network, which is not asked.", field="address")


def _name_for_tls(target: Target) -> dict[str, str]:
    """The certificate has to be for the name, though the connection goes to the address."""
    return {"sni_hostname": target.host}


def _failed(target: Target, error: Exception) -> OutsideFailed:
    return OutsideFailed(f"{target.host} did not answer as it should ({type(error).__name__}).")


def _plain() -> OutsideRefused:
    return OutsideRefused("Only addresses that begin with https:// are asked.", field="address")


async def _read(answer: httpx.Response, target: Target, question: Question) -> bytes:
    declared, max_bytes = answer.headers.get("content-length", ""), question.max_bytes
    if not question.cut and declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise OutsideFailed(f"{target.host} has {int(declared[:20]):,} bytes there; at most {max_bytes:,} are taken.")
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_raw():
        size += len(part)
        if size > max_bytes and question.cut:
            parts.append(part)
            return b"".join(parts)[:max_bytes]
        if size > max_bytes:
            raise OutsideFailed(f"{target.host} sends more than {max_bytes:,} bytes.")
        parts.append(part)
    return b"".join(parts)
