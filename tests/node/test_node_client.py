"""The official `openai` package for node, through the proxy with TLS, against the replay server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from earwitness.recorder import JournalReader, ProxySettings, parse_upstream, recording_proxy
from earwitness.replay.fold import fold_recording
from earwitness.replay.fold.digest import content_digest
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.server import serve
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording

MODULES = os.environ.get("EARWITNESS_NODE_MODULES", "")
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (Path(MODULES) / "openai").is_dir() if MODULES else True,
        reason="EARWITNESS_NODE_MODULES does not name a folder with the packages openai and ws",
    ),
]

FRAMES = [frame for frame in bundled_recording().frames if frame.kind == "text"]


def recording_at(target: str) -> MemoryRecording:
    """The bundled conversation as if it had been recorded at another path."""
    bundled = bundled_recording()
    opening = bundled.frames[0].json()
    opening["request"]["target"] = target
    first = Frame(0, 0, "open", "recorder", None, json.dumps(opening).encode())
    return MemoryRecording(bundled.info, [first, *bundled.frames[1:]])


async def hold(kind: str, base_url: str, authority: Path) -> Any:
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(Path(__file__).with_name("client.cjs")), kind, base_url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(authority)},
    )  # fmt: skip
    frames = [{"sender": frame.sender, "event": frame.json()} for frame in FRAMES]
    out, err = await process.communicate(json.dumps(frames).encode())
    assert process.returncode == 0, err.decode()
    return json.loads(out)


@pytest.mark.parametrize(
    ("kind", "target", "base"),
    [
        ("openai", "/v1/realtime?model=gpt-realtime", "/v1"),
        ("azure", "/openai/v1/realtime?model=gpt-realtime", ""),
    ],
)
async def test_the_node_sdk_holds_the_conversation_through_the_proxy(
    kind: str, target: str, base: str, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    for name, blob in (("ca.pem", authority.cert_pem), ("key.pem", certificate.private_key_and_cert_chain_pem)):
        blob.write_to_path(tmp_path / name)
    db = tmp_path / "calls.db"
    async with serve(recording_at(target)) as vendor:
        settings = ProxySettings(
            upstream=parse_upstream(f"ws://{urlsplit(vendor.url).netloc}"), tls_certificate=tmp_path / "key.pem"
        )
        async with recording_proxy(db, settings, grace=10) as proxy:
            done = await hold(kind, f"https://localhost:{proxy.port}{base}", tmp_path / "ca.pem")
        assert vendor.report.complete, vendor.report.text()
    assert done["received"] == [frame.json() for frame in FRAMES if frame.sender == "server"]
    async with await JournalReader.open(db) as reader:
        (info,) = await reader.sessions()
        assert info.target == target
        recorded = await fold_recording(reader.recording(info.id))
    assert content_digest(recorded) == content_digest(await fold_recording(bundled_recording()))
    assert b"not-a-real" not in b"".join(path.read_bytes() for path in tmp_path.glob("calls.db*"))
