"""The documented Azure preview conversation, recorded through the proxy with each of Azure's ways to show a key."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from earwitness.recorder.journal import Journal, JournalReader
from earwitness.replay.fold import fold

from tests.data import azure_preview
from tests.present import present
from tests.recorder.harness import TEXT, Peer, request, running_proxy, running_upstream, talk

API_KEY = "9d3f0c1b7e6a4582af10c2d4e6b8a97c"
ENTRA = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjb2duaXRpdmUifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
FORMS = {
    "api-key header": (azure_preview.TARGET, f"api-key: {API_KEY}\r\n", API_KEY),
    "query parameter": (f"{azure_preview.TARGET}&api-key={API_KEY}", "", API_KEY),
    "Entra token": (azure_preview.TARGET, f"Authorization: Bearer {ENTRA}\r\n", ENTRA),
}


def plays(side: str):
    """A script that sends its side of the conversation, each message behind those that it must have seen."""

    async def script(peer: Peer) -> None:
        for sender, payload in azure_preview.frames():
            if sender == side:
                peer.text(payload)
            else:
                assert (await peer.read_until(TEXT)).payload == payload
        if side == "client":
            peer.close(1000)
        await peer.finish()

    return script


@pytest.mark.parametrize("form", list(FORMS))
async def test_it_is_recorded_and_folds_and_no_key_is_anywhere(form, tmp_path: Path, caplog):
    target, extra, secret = FORMS[form]
    caplog.set_level(logging.DEBUG)
    db = tmp_path / "calls.db"
    async with await Journal.open(db) as journal, running_upstream() as upstream:
        upstream.script = plays("server")
        async with running_proxy(upstream.url, journal) as (proxy, ends):
            await talk(proxy.port, plays("client"), request(target, extra))
            end = await ends.next()
        assert secret.encode() in upstream.heads[0]
        for file in tmp_path.iterdir():
            assert secret.encode() not in file.read_bytes(), file.name
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert secret.encode() not in content, file.name
        assert secret[:8].encode() not in content, file.name
    assert secret not in caplog.text
    assert secret not in repr(end)

    async with await JournalReader.open(db) as reader:
        info = await reader.resolve(end.id)
        recorded = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    assert [(f.sender, f.payload) for f in recorded if f.kind == "text"] == azure_preview.frames()
    assert info.dialect == "preview"

    conversation = fold(recorded)
    (response,) = conversation.responses
    assert response.status == "completed"
    assert response.usage == azure_preview.USAGE
    assert present(response.usage)["total_tokens"] == 82
    assert response.request is not None
    assert (response.request["commit"], response.request["cancel_previous"]) == (True, True)
    item = conversation.items[-1]
    assert item.content[0].transcript == azure_preview.TRANSCRIPT
