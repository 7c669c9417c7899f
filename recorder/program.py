"""The recorder as a program: it records until a signal, or until a command that runs against it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..schemas.errors import RequestError
from .journal import WriterSettings
from .proxy.listener import Proxy, recording_proxy
from .proxy.session_end import SessionEnd
from .proxy.settings import ProxySettings

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
    """Settings of the recorder.

    Attributes:
        db: path or URL of the journal.
        proxy: see :class:`ProxySettings`.
        writer: see :class:`WriterSettings`.
        redaction_key_file: where the key of the markers is kept, created if absent; None for ``proxy.redaction_key``.
        grace: seconds that running sessions may go on after a request to stop; then they are closed with 1001.
        command: a program to run once the proxy listens, with its arguments; the recorder stops when it ends.
    """

    db: str
    proxy: ProxySettings
    writer: WriterSettings = field(default_factory=WriterSettings)
    redaction_key_file: Path | None = None
    grace: float = 10.0
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Is called with what happens, on the event loop.

    Attributes:
        ready: the proxy listens.
        session_end: a session's last record is durable.
        draining: a signal asked to stop; the number of sessions still running.
    """

    ready: Callable[[Proxy], None]
    session_end: Callable[[SessionEnd], None]
    draining: Callable[[int], None]


def parse_listen(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``[V6]:PORT``, ``:PORT`` or ``PORT``; without a host it is 127.0.0.1.

    Raises:
        RequestError: the text is not an address.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host = ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise RequestError(f"{text!r}: an IPv6 address needs brackets.", hint="Write [::1]:8765.")
    if not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise RequestError(f"{text!r} is not an address to listen on.", hint="Write HOST:PORT, e.g. 127.0.0.1:8765.")
    return host or "127.0.0.1", int(port)


def client_environment(url: str, base_path: str = "/v1") -> dict[str, str]:
    """Return the environment variables that tell a program where to connect.

    Args:
        url: ``ws://HOST:PORT`` or ``wss://HOST:PORT``.
        base_path: the path that the SDKs put before ``/realtime``.
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
    """Record until a signal, or until the command ends.

    The first SIGINT or SIGTERM drains: no new sessions, running ones may finish for ``grace``, everything is
    committed. A second one closes them at once.

    Returns:
        The exit code: the command's (128 + N after signal N), 0 without a command.

    Raises:
        StoreError: the journal cannot be opened, or not everything could be committed.
        ListenFailed: the address is not available.
        RequestError: a certificate cannot be used, or the command cannot be run.
    """
    recording = recording_proxy(
        settings.db,
        settings.proxy,
        writer=settings.writer,
        redaction_key_file=settings.redaction_key_file,
        on_session_end=watcher.session_end,
    )
    async with recording as proxy:
        with stop_on_signals() as request:
            watcher.ready(proxy)
            code = await run_until_stopped(settings.command, client_environment(proxy.url), request.stop)
            if proxy.sessions:
                watcher.draining(len(proxy.sessions))
            await _drain(proxy, settings.grace, request.hurry)
    return code


async def _drain(proxy: Proxy, grace: float, hurry: asyncio.Event) -> None:
    """Drain with ``grace``, or at once when ``hurry`` is set."""
    graceful, hurried = asyncio.ensure_future(proxy.drain(grace)), asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait((graceful, hurried), return_when=asyncio.FIRST_COMPLETED)
        if not graceful.done():
            await proxy.drain(0)
        await graceful
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
    """Run a command until it ends, or terminate it when ``stop`` is set; without a command, wait for ``stop``.

    Args:
        command: program and arguments; empty to run nothing.
        environment: variables that it gets besides our own.
        stop: asks to end.

    Returns:
        The exit code, 128 + N after signal N; 0 without a command.

    Raises:
        RequestError: the command cannot be run.
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
