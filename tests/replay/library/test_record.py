"""Recording from a program: a proxy in this process, in front of a replay server."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import earwitness
import pytest
from earwitness import aio
from earwitness.recorder import parse_upstream
from earwitness.replay import bundled_recording
from earwitness.replay.drive.connect import drive
from earwitness.testing import bundled_path
from websockets.asyncio.client import ClientConnection, connect


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("earwitness")]


def test_what_crosses_is_in_the_journal_when_the_block_has_ended(tmp_path: Path) -> None:
    db = tmp_path / "calls.db"
    with earwitness.serve(bundled_path()) as vendor:
        with earwitness.record(vendor.origin, db, labels={"run": "7"}) as proxy:
            assert proxy.environment["OPENAI_WEBSOCKET_BASE_URL"] == proxy.websocket_base_url == f"{proxy.url}/v1"
            asyncio.run(drive(bundled_recording(), f"{proxy.websocket_base_url}/realtime?model=gpt-realtime"))
        vendor.assert_complete()
    assert threads() == []
    (end,) = proxy.sessions
    with earwitness.open(db) as calls:
        call = calls.session(end.id)
        assert call.info.labels == {"run": "7"}
        assert earwitness.diff(bundled_path(), call).same
        assert call.verify(head=end.head).intact
    assert (tmp_path / "calls.db.redaction-key").exists()
    with pytest.raises(earwitness.RequestError, match="not running"):
        _ = proxy.url


async def test_it_records_on_the_callers_own_loop_too(tmp_path: Path) -> None:
    async with aio.serve(bundled_path()) as vendor, aio.record(vendor.origin, tmp_path / "calls.db") as proxy:
        assert threads() == []
        await drive(bundled_recording(), proxy.url + vendor.target)
        await vendor.assert_complete()
    async with aio.open(tmp_path / "calls.db") as calls:
        assert (await calls.session()).info.status == "closed"


async def test_a_session_that_runs_on_is_closed_at_once_after_an_error(tmp_path: Path) -> None:
    async def fail(target: str) -> None:
        async with proxy:
            opened.append(await connect(proxy.url + target, compression=None, proxy=None))
            raise KeyError

    opened: list[ClientConnection] = []
    async with aio.serve(bundled_path()) as vendor:
        proxy = aio.record(vendor.origin, tmp_path / "calls.db", grace=3600)
        with pytest.raises(KeyError):
            await fail(vendor.target)
        await opened[0].wait_closed()
        assert opened[0].close_code == 1001


def test_settings_of_the_proxy_state_everything_else(tmp_path: Path) -> None:
    upstream = parse_upstream("ws://127.0.0.1:9")
    settings = earwitness.ProxySettings(upstream=upstream, allow_paths=("/v1",), redaction_key=b"k" * 32)
    with earwitness.record(settings, tmp_path / "calls.db", labels={"a": "b"}) as proxy:
        assert proxy.url.startswith("ws://127.0.0.1:")
    assert not (tmp_path / "calls.db.redaction-key").exists()


def test_what_cannot_be_recorded_is_told_and_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(earwitness.RequestError, match="not an address"):
        earwitness.record("nowhere")
    with earwitness.record("ws://127.0.0.1:9", tmp_path / "calls.db") as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(earwitness.StoreBusy), earwitness.record("ws://127.0.0.1:9", tmp_path / "calls.db"):
            pass
        with (
            pytest.raises(earwitness.ListenFailed),
            earwitness.record("ws://127.0.0.1:9", tmp_path / "other.db", port=port),
        ):
            pass
    assert threads() == []
