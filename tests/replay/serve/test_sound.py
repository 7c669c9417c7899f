from __future__ import annotations

import tracemalloc

from earwitness.replay.serve.sound import AudioMatcher, AudioTrack
from hypothesis import given
from hypothesis import strategies as st

from tests.sizes import pick


def track_of(*stretches: list[bytes]) -> AudioTrack:
    track, seq = AudioTrack(), 0
    for number, chunks in enumerate(stretches):
        if number:
            track.end_stretch()
        for chunk in chunks:
            seq += 1
            track.append(seq, chunk)
    return track


def feed(matcher: AudioMatcher, data: bytes, size: int):
    for start in range(0, len(data), size):
        found = matcher.feed(data[start : start + size])
        if found is not None:
            return found
    return None


@given(
    recorded=st.lists(st.binary(max_size=50), max_size=20),
    size=st.integers(min_value=1, max_value=120),
)
def test_the_same_audio_matches_however_it_is_cut(recorded, size):
    matcher = AudioMatcher(track_of(recorded), "exact")
    assert feed(matcher, b"".join(recorded), size) is None
    assert matcher.missing() is None
    assert matcher.complete


@given(
    recorded=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=20),
    size=st.integers(min_value=1, max_value=120),
    place=st.integers(min_value=0),
)
def test_one_other_byte_is_found_in_the_recorded_frame_that_holds_it(recorded, size, place):
    whole = bytearray(b"".join(recorded))
    place %= len(whole)
    whole[place] ^= 1
    found = feed(AudioMatcher(track_of(recorded), "exact"), bytes(whole), size)
    assert found is not None
    assert found.what == "bytes"
    assert found.from_byte <= place < found.to_byte
    assert found.seq is not None
    assert sum(map(len, recorded[: found.seq - 1])) == found.from_byte


def test_after_a_commit_the_next_stretch_begins():
    track = track_of([b"aaaa"], [b"bb", b"bb"])
    matcher = AudioMatcher(track, "exact")
    assert matcher.feed(b"aaaa") is None
    assert matcher.end_stretch() is None
    assert matcher.feed(b"b") is None
    assert matcher.feed(b"bbb") is None
    assert matcher.complete


def test_a_stretch_that_is_too_short_is_found_at_the_commit():
    matcher = AudioMatcher(track_of([b"aa", b"aa"], [b"bb"]), "exact")
    matcher.feed(b"aaa")
    found = matcher.end_stretch()
    assert found is not None
    assert (found.what, found.from_byte, found.to_byte, found.seq) == ("shorter", 3, 4, 2)
    assert matcher.feed(b"bb") is None, "the next stretch starts clean"


def test_a_stretch_that_is_too_long_is_found_at_once():
    matcher = AudioMatcher(track_of([b"aa"], [b"bb"]), "exact")
    found = matcher.feed(b"aaa")
    assert found is not None
    assert (found.what, found.from_byte, found.to_byte) == ("longer", 2, 3)


def test_audio_past_the_recordings_end_is_no_difference():
    matcher = AudioMatcher(track_of([b"aa"]), "exact")
    assert matcher.feed(b"aa and a microphone that runs on") is None


def test_by_length_only_the_length_counts():
    matcher = AudioMatcher(track_of([b"aa"], [b"bb"]), "length")
    assert matcher.feed(b"zz") is None
    assert matcher.end_stretch() is None
    assert AudioMatcher(track_of([b"aa"], []), "length").feed(b"zzz") is not None


def test_ignored_audio_never_differs_but_counts():
    matcher = AudioMatcher(track_of([b"aa"], [b"bb"]), "ignore")
    assert matcher.feed(b"other and longer") is None
    assert matcher.end_stretch() is None
    assert matcher.total == 16
    assert matcher.reached(0, 10**6), "the client has ended that stretch"
    assert not matcher.reached(1, 1)


def test_one_difference_is_told_once_for_each_stretch():
    matcher = AudioMatcher(track_of([b"aa", b"aa"], [b"b"]), "exact")
    assert matcher.feed(b"xx") is not None
    assert matcher.feed(b"xx") is None
    assert matcher.end_stretch() is None
    assert matcher.feed(b"y") is not None


def test_a_stretch_with_a_gap_in_the_recording_is_not_compared():
    track = track_of([b"aa"], [b"bb"])
    track.unreliable.add(0)
    matcher = AudioMatcher(track, "exact")
    assert matcher.feed(b"zzzzz") is None
    assert matcher.end_stretch() is None
    assert matcher.feed(b"zz") is not None


def test_matching_many_frames_keeps_memory_flat():
    frames = pick(20_000, 50_000, 200_000)
    track = AudioTrack()
    for seq in range(frames):
        track.append(seq, bytes(96))
    matcher = AudioMatcher(track, "exact")
    chunk = bytes(64)
    tracemalloc.start()
    try:
        for _ in range(frames * 96 // 64):
            assert matcher.feed(chunk) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert matcher.complete
    assert peak < 100_000
