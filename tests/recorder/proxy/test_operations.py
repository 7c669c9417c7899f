"""Health, readiness, metrics and logs for whoever runs the proxy; none of them tells content."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import socket
from collections.abc import Iterator

import pytest
from earwitness.recorder.logs import JsonFormatter, log_json, log_text
from earwitness.recorder.proxy.listener import Proxy
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import ListenFailed, StoreWriteFailed

from tests.recorder.harness import TEXT, Peer, dial, request, running_proxy, running_upstream, talk
from tests.recorder.memory_journal import MemoryJournal
from tests.recorder.pages import get, samples

SECRET = "sk-operations-A1b2C3d4"


async def speaks(peer: Peer) -> None:
    peer.text('{"type":"session.update","session":{"instructions":"private words"}}')
    peer.text("more")
    peer.close(1000)
    await peer.finish()


async def test_metrics_count_what_happened(journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal, operations_port=0) as (proxy, ends):
        await talk(proxy.port, speaks)
        await ends.next()
        upstream.answer = lambda head: b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
        await (await dial(proxy.port)).release()
        await ends.next()
        status, body = await get(proxy.operations_url, "/metrics")
    assert status == 200
    found = samples(body)
    assert found["earwitness_handshakes_total", (("origin", "upstream"), ("status", "101"))] == 1
    assert found["earwitness_handshakes_total", (("origin", "upstream"), ("status", "429"))] == 1
    assert found["earwitness_closes_total", (("by", "client"), ("code", "1000"))] == 1
    assert found["earwitness_frames_total", (("sender", "client"),)] == 2
    assert found["earwitness_frame_bytes_total", (("sender", "client"),)] == 72
    assert found["earwitness_frames_total", (("sender", "server"),)] == 0
    assert found["earwitness_sessions", ()] == 0
    assert found["earwitness_store_up", ()] == 1
    assert found["earwitness_records_total", ()] == 6
    assert found["earwitness_backlog_bytes", ()] == 0
    assert b"private" not in body


async def test_metrics_count_sessions_that_run(journal):
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):

        async def looks(peer: Peer) -> None:
            peer.text("said")
            await peer.read_until(TEXT)
            found = samples(proxy.metrics())
            assert found["earwitness_sessions", ()] == 1
            assert found["earwitness_frames_total", (("sender", "client"),)] == 1
            assert found["earwitness_frames_total", (("sender", "server"),)] == 1
            peer.close()
            await peer.finish()

        async def answers(peer: Peer) -> None:
            await peer.read_until(TEXT)
            peer.text("heard")
            await peer.finish()

        upstream.script = answers
        await talk(proxy.port, looks)
        await ends.next()


async def test_health_and_readiness(journal, monkeypatch):
    async with running_proxy("ws://127.0.0.1:9", journal, operations_port=0) as (proxy, _):
        assert await get(proxy.operations_url, "/healthz") == (200, b"ok\n")
        assert await get(proxy.operations_url, "/readyz") == (200, b"ready\n")
        assert (await get(proxy.operations_url, "/"))[0] == 404

        async def refuse() -> None:
            raise StoreWriteFailed("x", reason="database or disk is full")

        monkeypatch.setattr(journal, "check_writable", refuse)
        expected = (503, b"not ready: the store takes nothing: database or disk is full\n")
        assert await get(proxy.operations_url, "/readyz") == expected
        assert (await get(proxy.operations_url, "/healthz"))[0] == 200
        await proxy.drain(0)
        assert await get(proxy.operations_url, "/readyz") == (503, b"not ready: draining\n")


async def test_without_a_port_there_are_no_pages(journal):
    async with running_proxy("ws://127.0.0.1:9", journal) as (proxy, _):
        assert proxy.operations_url is None


async def test_a_port_that_is_taken_is_named_and_nothing_stays_open(journal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        proxy = Proxy(ProxySettings(upstream=parse_upstream("openai"), operations_port=port), journal)
        with pytest.raises(ListenFailed, match="cannot listen for health and metrics"):
            await proxy.start()
        with pytest.raises(RuntimeError, match="does not listen"):
            _ = proxy.port


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """For a log, which is as it was afterwards."""
    logger = logging.getLogger("earwitness")
    before = logger.handlers[:], logger.level, logger.propagate
    yield io.StringIO()
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture
def log(stream: io.StringIO) -> io.StringIO:
    log_json(stream)
    return stream


async def test_a_session_is_one_line_at_its_start_and_one_at_its_end(journal, log):
    head = request(f"/v1/realtime?model=x&api-key={SECRET}", "x-earwitness-label: team=red\r\n")
    async with running_upstream() as upstream, running_proxy(upstream.url, journal) as (proxy, ends):
        await talk(proxy.port, speaks, head)
        end = await ends.next()
    started, ended = (json.loads(line) for line in log.getvalue().splitlines())
    assert started["event"] == "session_started"
    assert started["session"] == ended["session"] == end.id
    assert started["target"].startswith("/v1/realtime?model=x&api-key=redacted:hmac-sha256:")
    assert started["labels"] == {"team": "red"}
    assert (ended["event"], ended["code"], ended["by"], ended["head"]) == ("session_ended", 1000, "client", end.head)
    assert ended["frames"] == {"client": 2, "server": 0}
    for secret in (SECRET, "private words", "more"):
        assert secret not in log.getvalue()


class Broken(MemoryJournal):
    async def begin(self, *args, **named):
        raise ValueError(SECRET)


async def test_a_failure_is_logged_by_its_type_and_place(log):
    async with running_upstream() as upstream, running_proxy(upstream.url, Broken()) as (proxy, _):
        assert await dial_and_lose(proxy.port) == b""
    line = json.loads(log.getvalue())
    assert (line["event"], line["error"], line["level"]) == ("session_failed", "ValueError", "error")
    assert line["at"].startswith("test_operations.py:")
    assert SECRET not in log.getvalue()


async def test_for_a_terminal_only_warnings_are_logged_and_no_more_told_of_them(stream):
    log_text(stream)
    async with running_upstream() as upstream, running_proxy(upstream.url, Broken()) as (proxy, _):
        assert await dial_and_lose(proxy.port) == b""
    async with running_upstream() as upstream, running_proxy(upstream.url, MemoryJournal()) as (proxy, ends):
        await talk(proxy.port, speaks)
        await ends.next()
    (line,) = stream.getvalue().splitlines()
    assert re.fullmatch(
        r'earwitness: error session_failed session=null error="ValueError" at="test_operations\.py:\d+"', line
    )


async def dial_and_lose(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    received = await reader.read()
    writer.close()
    return received


def test_only_known_fields_are_written():
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "payload": SECRET, "code": 1000})
    assert json.loads(JsonFormatter().format(record)).keys() == {"time", "level", "event", "code"}
