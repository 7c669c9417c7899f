"""The recorder as a program: journal and proxy together, until a signal or the end of a command."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ..schemas.errors import RequestError
from .journal import Journal, WriterSettings
from .proxy.listener import Proxy, SessionEnd
from .proxy.settings import ProxySettings
from .secrets.markers import load_or_create_key

__all__ = [
    "RecorderSettings",
    "StopRequest",
    "Watcher",
    "client_environment",
    "parse_listen",
    "run_recorder",
    "run_until_stopped",
    "stop_on_signals",
]

_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """What the recorder is told.

    Attributes:
        db: path or URL of the journal.
        proxy: see :class:`ProxySettings`.
        writer: see :class:`WriterSettings`.
        redaction_key_file: where the key of the markers is kept, made if absent; None for ``proxy.redaction_key``.
        grace: seconds that running sessions may go on after a request to stop; then they are closed with 1001.
        command: a program to run once the proxy listens; the recorder stops when it ends. Empty for none.
    """

    db: str
    proxy: ProxySettings
    writer: WriterSettings = field(default_factory=WriterSettings)
    redaction_key_file: Path | None = None
    grace: float = 10.0
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told of what happens, on the event loop.

    Attributes:
        ready: the proxy listens.
        session_end: a session's last record is durable.
        draining: a signal asked to stop; the number of sessions still running.
    """

    ready: Callable[[Proxy, Journal], None]
    session_end: Callable[[SessionEnd], None]
    draining: Callable[[int], None]


def parse_listen(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``[V6]:PORT``, ``:PORT`` or ``PORT``; without a host it is 127.0.0.1.

    Raises:
        RequestError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host = ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise RequestError(f"{text!r}: an IPv6 address stands in brackets.", hint="Write [::1]:8765.")
    if not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise RequestError(f"{text!r} is no address to listen on.", hint="Write HOST:PORT, e.g. 127.0.0.1:8765.")
    return host or "127.0.0.1", int(port)


def client_environment(url: str, base_path: str = "/v1") -> dict[str, str]:
    """Give the variables that tell a program where to connect.

    Args:
        url: ``ws://HOST:PORT`` or ``wss://HOST:PORT``.
        base_path: what the SDKs put before ``/realtime``.
    """
    http = "http" + url.removeprefix("ws")
    return {
        "EARWITNESS_URL": url,
        "EARWITNESS_WEBSOCKET_BASE_URL": f"{url}{base_path}",
        "OPENAI_WEBSOCKET_BASE_URL": f"{url}{base_path}",
        "OPENAI_BASE_URL": f"{http}{base_path}",
        "AZURE_OPENAI_ENDPOINT": http,
    }


async def run_recorder(settings: RecorderSettings, watcher: Watcher) -> int:
    """Record until a signal, or until the command ends; give the exit code.

    The first SIGINT or SIGTERM drains: no new sessions, running ones may finish for ``grace``, everything is
    committed. A second one closes them at once. With a command, its exit code is given (128 + N for a signal N).

    Raises:
        StoreError: the journal cannot be opened, or not everything could be committed.
        ListenFailed: the address cannot be had.
        RequestError: a certificate cannot be used, or the command cannot be run.
    """
    async with await Journal.open(settings.db, settings=settings.writer) as journal:
        proxy_settings = settings.proxy
        if settings.redaction_key_file is not None:
            key = load_or_create_key(settings.redaction_key_file)
            proxy_settings = replace(proxy_settings, redaction_key=key)
        proxy = Proxy(proxy_settings, journal, on_session_end=watcher.session_end)
        async with proxy:
            with stop_on_signals() as request:
                watcher.ready(proxy, journal)
                code = await run_until_stopped(settings.command, client_environment(proxy.url), request.stop)
                if proxy.sessions:
                    watcher.draining(len(proxy.sessions))
                await _drain(proxy, settings.grace, request.hurry)
    return code


async def _drain(proxy: Proxy, grace: float, hurry: asyncio.Event) -> None:
    """Drain with patience; without any once ``hurry`` is set."""
    patient, hurried = asyncio.ensure_future(proxy.drain(grace)), asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait((patient, hurried), return_when=asyncio.FIRST_COMPLETED)
        if not patient.done():
            await proxy.drain(0)
        await patient
    finally:
        hurried.cancel()


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Set by signals: ``stop`` by the first SIGINT or SIGTERM, ``hurry`` by the second."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def signalled(self) -> None:
        """Take one signal."""
        (self.hurry if self.stop.is_set() else self.stop).set()


@contextmanager
def stop_on_signals() -> Generator[StopRequest]:
    """Turn SIGINT and SIGTERM into a :class:`StopRequest` while the block runs."""
    request = StopRequest()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, request.signalled)
    try:
        yield request
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def run_until_stopped(command: Sequence[str], environment: Mapping[str, str], stop: asyncio.Event) -> int:
    """Run a command until it ends or ``stop`` is set, in which case it is terminated; wait for ``stop`` without one.

    Args:
        command: program and arguments; empty for none.
        environment: variables that it gets besides our own.
        stop: asks to end.

    Returns:
        its exit code, 128 + N after signal N; 0 without a command.

    Raises:
        RequestError: it cannot be run.
    """
    if not command:
        await stop.wait()
        return 0
    try:
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    except OSError as error:
        raise RequestError(
            f"{command[0]!r} cannot be run: {error.strerror}.", hint="Name a program after --exec."
        ) from None
    ended, stopped = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            # A terminal sends Ctrl-C to the command as well; one that was started otherwise has to be told.
            with suppress(ProcessLookupError):
                process.terminate()
        code = await ended
    finally:
        stopped.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return code if code >= 0 else 128 - code
