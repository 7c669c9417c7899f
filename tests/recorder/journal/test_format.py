"""The format as ``docs/journal.md`` tells it, read with nothing but SQLite, SHA-256, zstd and that page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import struct
from pathlib import Path

import zstandard
from earwitness.recorder.journal import Journal
from earwitness.recorder.journal.format.chain import EnvelopeEncoder
from earwitness.recorder.journal.format.codecs import CODECS
from earwitness.recorder.journal.format.dictionary import DICTIONARY_1
from earwitness.schemas.frame import KINDS, SENDERS
from hypothesis import given
from hypothesis import strategies as st

from tests.recorder.journal.builders import MESSAGES, OPENING, audio_event, write_session

PAGE = (Path(__file__).parents[3] / "docs" / "journal.md").read_text()


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def unzstd(data: bytes, dictionary: bool) -> bytes:
    options = {}
    if dictionary:
        raw = zstandard.DICT_TYPE_RAWCONTENT
        options["dict_data"] = zstandard.ZstdCompressionDict(DICTIONARY_1, dict_type=raw)
    return zstandard.ZstdDecompressor(**options).decompress(zstandard.FRAME_HEADER + data)


def undelta(planes: bytes) -> bytes:
    half = len(planes) // 2
    out, sample = [], 0
    for low, high in zip(planes[:half], planes[half:], strict=True):
        z = low | high << 8
        sample = (sample + (z >> 1 ^ -(z & 1))) & 0xFFFF
        out.append(sample)
    return struct.pack(f"<{half}H", *out)


def message(codec: int, stored: bytes) -> bytes:
    if codec == 0:
        return stored
    if codec == 1:
        return unzstd(stored, True)
    size, at = varint(stored, 0)
    cut, at = varint(stored, at)
    body, audio = unzstd(stored[at : at + size], True), stored[at + size :]
    if codec == 3:
        audio = undelta(unzstd(audio, False))
    return body[:cut] + base64.b64encode(audio) + body[cut:]


def str16(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def str32(text: str) -> bytes:
    return struct.pack(">I", len(text.encode())) + text.encode()


async def test_the_page_is_enough_to_read_a_journal_and_to_check_its_chains(tmp_path):
    path = tmp_path / "journal.db"
    async with await Journal.open(path) as journal:
        await write_session(journal, public_id="one")
        writer = await journal.begin(OPENING, public_id="two", offset_ns=None)
        writer.append("text", "client", audio_event(bytes(range(31))), None, type="input_audio_buffer.append")
        writer.append("text", "client", b'{"k":"x"}', -5, redacted=("k", "é"))
        await journal.erase("one", [1], "because")
        await writer.commit()
        expected_head = journal.head
    connection = sqlite3.connect(path)
    codecs = set()
    heads: dict[tuple[str, int], bytes] = {}
    messages: dict[str, list[bytes | None]] = {}
    for row_id, public_id in connection.execute("SELECT id, public_id FROM sessions").fetchall():
        chain = hashlib.sha256(b"earwitness/1 session" + public_id.encode()).digest()
        rows = connection.execute(
            "SELECT seq, offset_ns, kind, sender, type, redacted, payload, codec, salt, digest, chain FROM records"
            " WHERE session = ? ORDER BY seq",
            (row_id,),
        ).fetchall()
        for seq, offset, kind, sender, event_type, redacted, payload, codec, salt, digest, stored_chain in rows:
            data = None if payload is None else message(codec, payload)
            messages.setdefault(public_id, []).append(data)
            if data is not None:
                codecs.add(codec)
                assert hashlib.sha256(salt + data).digest() == digest
            paths = [] if redacted is None else json.loads(redacted)
            envelope = b"".join(
                (
                    str16(public_id),
                    struct.pack(">Q", seq),
                    b"\x00" if offset is None else b"\x01" + struct.pack(">q", offset),
                    bytes([KINDS.index(kind), SENDERS.index(sender)]),
                    b"\x00" if event_type is None else b"\x01" + str32(event_type),
                    struct.pack(">I", len(paths)),
                    *map(str32, paths),
                )
            )
            chain = hashlib.sha256(b"earwitness/1" + chain + envelope + digest).digest()
            assert chain == stored_chain
            heads[public_id, seq + 1] = chain
    assert messages["one"][2:-1] == [entry[3] for entry in MESSAGES[1:]]
    assert messages["one"][1] is None
    assert codecs == CODECS
    chain = bytes(32)
    kinds = ["opened", "closed", "cutoff", "erased"]
    ledger = connection.execute("SELECT id, session, kind, at, frames, head, detail, chain FROM ledger ORDER BY id")
    for row, (number, session, kind, at, frames, head, detail, stored_chain) in enumerate(ledger.fetchall(), 1):
        assert number == row
        assert head == heads[session, frames]
        envelope = struct.pack(">QB", number, kinds.index(kind)) + str16(session) + str16(at)
        envelope += struct.pack(">Q", frames) + head + str32(detail)
        chain = hashlib.sha256(b"earwitness/1 ledger" + chain + envelope).digest()
        assert chain == stored_chain
        if kind == "erased":
            assert json.loads(detail) == {"reason": "because", "seqs": [[1, 1]]}
    assert chain.hex() == expected_head
    connection.close()


def test_the_page_names_the_dictionary_the_codecs_and_the_numbers():
    assert hashlib.sha256(DICTIONARY_1).hexdigest() in PAGE
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == CODECS
    assert "u8 kind      " + ", ".join(f"{kind} {number}" for number, kind in enumerate(KINDS)) in PAGE
    assert "u8 sender    " + ", ".join(f"{sender} {number}" for number, sender in enumerate(SENDERS)) in PAGE


envelopes = st.tuples(
    st.sampled_from(["a", "ab", "b"]),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(-2, 2)),
    st.sampled_from(KINDS),
    st.sampled_from(SENDERS),
    st.one_of(st.none(), st.text("ab\x00", max_size=3)),
    st.lists(st.text("ab\x00", max_size=2), max_size=3).map(tuple),
)


@given(envelopes, envelopes)
def test_no_two_envelopes_are_the_same_bytes(one, other):
    encoded = [EnvelopeEncoder(entry[0])(*entry[1:]) for entry in (one, other)]
    assert (encoded[0] == encoded[1]) == (one == other)
