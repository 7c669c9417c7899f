"""Cassettes that older versions wrote are read forever: one golden file for each version of the format."""

from __future__ import annotations

from pathlib import Path

from earwitness.recorder.importing import read_file
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_path
from earwitness.replay.playing.match import MatchPolicy
from earwitness.schemas.files.cassette import CASSETTE_VERSION, Cassette, read_cassette, write_cassette

GOLDEN = Path(__file__).resolve().parents[2] / "data"
ONE = GOLDEN / "cassette-1.ndjson"


def golden() -> Cassette:
    return read_cassette(ONE.read_text(encoding="utf-8").split("\n"), name=ONE.name)


def test_there_is_a_golden_file_for_every_version() -> None:
    files = sorted(path.name for path in GOLDEN.glob("cassette-*.ndjson"))
    assert files == [f"cassette-{version}.ndjson" for version in range(1, CASSETTE_VERSION + 1)]


def test_the_header_of_version_1_is_understood() -> None:
    header = golden().header
    assert (header.session, header.dialect, header.labels) == ("0198c2f1a7d94c7e8b21", "ga", {"case": "weather"})
    assert header.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime"
    assert header.close is not None
    assert (header.close.code, header.close.reason) == (1000, "bye")
    policy = MatchPolicy().over(header.match)
    assert (policy.mode, policy.audio, policy.ignore) == ("strict", "length", ("session.instructions",))
    assert policy.tolerances == {"conversation.item.truncate.audio_end_ms": 300.0}


def test_the_records_of_version_1_are_understood() -> None:
    frames = golden().frames
    assert [frame.seq for frame in frames] == list(range(11))
    assert [(frame.kind, frame.sender) for frame in frames] == [
        ("open", "recorder"),
        ("text", "server"),
        ("text", "client"),
        ("text", "client"),
        ("text", "server"),
        ("binary", "server"),
        ("text", "client"),
        ("text", "server"),
        ("gap", "recorder"),
        ("note", "recorder"),
        ("close", "recorder"),
    ]
    assert [frame.offset_ns for frame in frames[:4]] == [0, 1_500_000, 2_000_000, None]
    assert frames[2].redacted == ("$.session.tools[0].authorization",)
    assert frames[3].payload == b'{"type":"input_audio_buffer.append","audio":"AAECAwQF"}'
    assert frames[4].payload == b'{"type": "half'
    assert frames[5].payload == b"\x00\xff"
    assert frames[6].erased
    assert frames[7].payload is not None
    assert b"123456789012345678901234567890" in frames[7].payload
    assert frames[7].type == "vendor.own"


def test_what_version_1_does_not_know_survives_reading_and_writing() -> None:
    assert "".join(f"{line}\n" for line in write_cassette(golden())) == ONE.read_text(encoding="utf-8")


def test_version_1_folds_and_is_a_session() -> None:
    (session,) = read_file(ONE)
    info = session.recording("golden").info
    assert (info.status, info.close_code, info.links) == ("closed", 1000, {"previous": "0198c2f1a7d94c7e8b20"})
    state = fold(session.frames)
    assert state.input_audio.audio.total == 6
    assert [gap.frames for gap in state.gaps] == [2]
    assert {problem.what for problem in state.problems} == {"invalid-json", "binary", "erased"}
    assert state.unknown == {"vendor.own": 1}


def test_the_bundled_conversation_is_of_version_1() -> None:
    with bundled_path().open(encoding="utf-8", newline="\n") as lines:
        assert read_cassette(lines).header.version == 1
