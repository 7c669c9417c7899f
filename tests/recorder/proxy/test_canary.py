"""A secret of its own in every place where one can stand; afterwards none is anywhere but on the wire."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from click import Group
from earwitness.recorder.journal import JournalReader

from tests.cli.command import Command
from tests.cli.test_main import all_commands
from tests.recorder.harness import TEXT, Peer, Upstream, dial, request, running_upstream, switching, until

NAMES = [
    *("bearer", "apikey", "query", "cookie", "setcookie", "proxyauth", "subprotocol", "clientsecret", "mcpauth"),
    *("mcpheader", "urlpassword", "urltoken", "ephemeral", "path", "refused", "userinfo", "token", "upstreamkey"),
]
SECRETS = {name: f"sk-{number:02}{name}-canary-{number * 7919:05}-q{number:02}Z" for number, name in enumerate(NAMES)}
REPEATED = ("bearer", "apikey", "refused", "upstreamkey")
"""Keys of which an error text or a close reason repeats the start and the end."""


def masked(name: str) -> str:
    return f"Incorrect API key provided: {SECRETS[name][:8]}****************{SECRETS[name][-4:]}."


def message(type_: str, **fields: object) -> str:
    return json.dumps({"type": type_, **fields})


def client_messages(own: str) -> list[str]:
    """What a client says; last, its own key in the open."""
    tool = {
        "type": "mcp",
        "server_label": "l",
        "server_url": f"https://u:{SECRETS['urlpassword']}@mcp.example/x?token={SECRETS['urltoken']}",
        "authorization": SECRETS["mcpauth"],
        "headers": {"X-Auth": SECRETS["mcpheader"]},
    }
    return [
        message("session.update", session={"tools": [tool], "client_secret": {"value": SECRETS["clientsecret"]}}),
        message("response.create", response={"tools": [tool], "metadata": {"note": SECRETS["path"]}}),
        message("conversation.item.create", item={"note": f"my own key is {own}, keep it"}),
    ]


def server_messages(known: list[str]) -> list[str]:
    """What a server says; it repeats the keys that it was shown."""
    return [
        message("session.created", session={"client_secret": {"value": SECRETS["ephemeral"], "expires_at": 1}}),
        *(message("error", error={"message": masked(name), "code": "invalid_api_key"}) for name in known),
        *(message("error", error={"message": f"it was {SECRETS[name]}"}) for name in known),
    ]


def shown_to(head: bytes) -> list[str]:
    return [name for name in REPEATED if SECRETS[name].encode() in head]


async def server(peer: Peer) -> None:
    known = shown_to(peer.head)
    for text in server_messages(known):
        peer.text(text)
    if b"leave=open" not in peer.head:
        for _ in client_messages(""):
            await peer.read_until(TEXT)
        peer.close(3000, masked(known[0]) if known else "")
    await peer.finish()


async def client(port: int, head: bytes, own: str = "", *, stay: bool = False) -> Peer:
    peer = await dial(port, head)
    for text in client_messages(own):
        peer.text(text)
    if stay:
        for _ in server_messages(shown_to(head)):
            await peer.read_until(TEXT)
        return peer
    await peer.finish()
    await peer.release()
    return peer


class Recorder:
    """``earwitness record`` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = b""

    async def start(self, upstream: str, *options: str) -> int:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "earwitness.cli", "record", "--upstream", upstream, "--listen", "127.0.0.1:0", "--log-json"),
            *("--db", str(self.folder / "calls.db"), "--redact", "response.metadata.note", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "UPSTREAM_KEY": SECRETS["upstreamkey"]},
        )
        assert self.process.stdout is not None
        while not (line := await self.process.stdout.readline()).startswith(b"recording "):
            assert line, self.output
            self.output += line
        self.output += line
        return int(line.split()[1].rpartition(b":")[2])

    async def stop(self, number: int) -> None:
        self.process.send_signal(number)
        self.output += (await self.process.communicate())[0]


async def record(folder: Path) -> bytes:
    """Hold sessions with every secret, one of them until the recorder is killed; give what the recorder printed."""
    recorder = Recorder(folder)
    extra = (
        f"Authorization: Bearer {SECRETS['bearer']}\r\napi-key: {SECRETS['apikey']}\r\n"
        f"Cookie: s={SECRETS['cookie']}\r\n"
        f"Proxy-Authorization: Basic {SECRETS['proxyauth']}\r\n"
        f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{SECRETS['subprotocol']}\r\n"
    )
    target = f"/v1/realtime?model=x&api-key={SECRETS['query']}"

    def answer(head: bytes) -> bytes:
        if b"refuse=1" in head:
            body = f'{{"error":{{"message":"{masked("refused")}"}}}}'.encode()
            return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        return switching(head, f"Set-Cookie: s={SECRETS['setcookie']}; Path=/\r\n")

    async with running_upstream() as upstream:
        upstream.script, upstream.answer = server, answer
        port = await recorder.start(upstream.url)
        seen = await client(port, request(target, extra), SECRETS["bearer"])
        check_wire(upstream, seen)
        refused = await dial(port, request("/v1/realtime?refuse=1", f"api-key: {SECRETS['refused']}\r\n"))
        assert SECRETS["refused"][:8].encode() in await refused.reader.read()
        await refused.release()
        open_one = await client(port, request(target + "&leave=open", extra), SECRETS["apikey"], stay=True)
        await recorder.stop(signal.SIGKILL)
        await open_one.release()

        (folder / "tokens").write_text(SECRETS["token"] + "\n")
        options = ("--token-file", str(folder / "tokens"), "--upstream-key-env", "UPSTREAM_KEY")
        port = await recorder.start(upstream.url, *options)
        await client(port, request(extra=f"Authorization: Bearer {SECRETS['token']}\r\n"), SECRETS["token"])
        assert SECRETS["upstreamkey"].encode() in upstream.heads[-1]
        await recorder.stop(signal.SIGTERM)
        (folder / "tokens").unlink()

        with_userinfo = upstream.url.replace("://", f"://user:{SECRETS['userinfo']}@")
        port = await recorder.start(with_userinfo)
        await client(port, request())
        assert b"Authorization: Basic " in upstream.heads[-1]
        await recorder.stop(signal.SIGTERM)
        await until(lambda: upstream.done.qsize() == len(upstream.heads))
    return recorder.output


def check_wire(upstream: Upstream, seen: Peer) -> None:
    """The wire carries the originals, both ways."""
    went_up = upstream.heads[0] + b"".join(frame.payload for frame in upstream.peers[0].seen)
    for name in ("bearer", "apikey", "query", "cookie", "subprotocol", "clientsecret", "mcpauth", "mcpheader", "path"):
        assert SECRETS[name].encode() in went_up, name
    came_back = seen.head + b"".join(frame.payload for frame in seen.seen)
    for name in ("setcookie", "ephemeral", "apikey"):
        assert SECRETS[name].encode() in came_back, name
    assert masked("bearer").encode() in came_back


async def everything(db: Path) -> tuple[list[str], bytes]:
    """Ids of all sessions, and all payloads as they are read."""
    async with await JournalReader.open(db) as reader:
        ids = [info.id for info in await reader.sessions()]
        recordings = [reader.recording(session) for session in ids]
        frames = [frame for recording in recordings async for batch in recording.batches() for frame in batch]
    return ids, b"\n".join(frame.payload or b"" for frame in frames)


def assert_clean(where: str, content: bytes) -> None:
    for name, secret in SECRETS.items():
        assert secret.encode() not in content, f"{name} in {where}"
    for name in REPEATED:
        secret = SECRETS[name].encode()
        assert secret[:8] not in content, f"start of {name} in {where}"
        assert secret[-4:] not in content, f"end of {name} in {where}"


class Outputs:
    """Runs every command on a journal and keeps what it prints."""

    def __init__(self, command: Command, db: Path) -> None:
        self.command, self.db = command, db
        self.ran: set[str] = set()
        self.printed = ""

    def __call__(self, *arguments: object, code: int | None = 0) -> None:
        """Run a command; it must end with this code, or with any for None."""
        words = 2 if arguments[0] == "db" else 1
        done = self.command(*arguments[:words], "--db", self.db, *arguments[words:])
        assert code in (None, done.code), f"{arguments}\n{done.out}\n{done.err}"
        self.ran.add(" ".join(map(str, arguments[:words])))
        self.printed += done.out + done.err


async def drive(run: Outputs, session: str) -> None:
    """Play a session again, to a server that repeats the new key in its errors."""
    async with running_upstream() as upstream:
        upstream.script = server
        options = ("--upstream", upstream.url, "--key-env", "UPSTREAM_KEY", "--speed", "max", "--timeout", 1)
        await asyncio.to_thread(run, "drive", session, *options, code=1)
        assert f"Bearer {SECRETS['upstreamkey']}".encode() in upstream.heads[0]


def test_no_secret_is_anywhere_but_on_the_wire(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    printed = asyncio.run(record(tmp_path))
    assert_clean("the recorder's output", printed)
    assert printed.count(b'"event":"session_ended"') == 4
    db = tmp_path / "calls.db"
    ids, payloads = asyncio.run(everything(db))
    assert len(ids) == 5
    assert_clean("payloads", payloads)
    assert payloads.count(b"redacted:hmac-sha256:") > 30

    monkeypatch.setenv("UPSTREAM_KEY", SECRETS["upstreamkey"])
    run = Outputs(Command(capsys, str(db)), db)
    for session in ids:
        exported = tmp_path / f"{session}.ndjson"
        run("show", session)
        run("show", session, "--json")
        run("show", session, "--events")
        run("show", session, "--events", "--json")
        run("tail", session)
        run("transcript", session, "--as", "generated", "--format", "json")
        run("check", session, code=None)
        run("audio", session, "-o", tmp_path / f"{session}.wav", code=None)
        run("export", session, "-o", exported)
        run("import", exported, "--json")
    run("diff", ids[0], ids[1], code=1)
    run("replay", ids[0], "--speed", "max", "--exec", "--", sys.executable, "-c", "pass", code=1)
    asyncio.run(drive(run, ids[0]))
    run("list")
    run("list", "--json")
    run("verify")
    run("db", "info")
    run("db", "upgrade")
    run("db", "erase", ids[0], "--seq", "1", "--reason", "a caller asked", "--yes")
    run("db", "rebuild")
    run("db", "backup", tmp_path / "copy.db")
    names = {name for name, command in all_commands() if not isinstance(command, Group)}
    assert run.ran == names - {"record", "demo"}, "a demo has no journal of the user's"

    assert_clean("the commands' output", run.printed.encode())
    _, payloads = asyncio.run(everything(db))
    assert_clean("payloads of the session that was driven and of those imported", payloads)
    for file in tmp_path.iterdir():
        assert_clean(file.name, file.read_bytes())
        assert file.suffix in (".ndjson", ".lock", ".wav") or file.stat().st_mode & 0o777 == 0o600, file.name
