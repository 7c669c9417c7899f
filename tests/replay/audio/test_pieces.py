"""Pieces of audio."""

from __future__ import annotations

import numpy as np
from earwitness.replay.audio.pieces import Piece, ref_arrays
from earwitness.schemas.audio import AudioFormat
from earwitness.schemas.refs import AudioRefs
from hypothesis import given
from hypothesis import strategies as st

PCM, MULAW = AudioFormat("audio/pcm", 24000), AudioFormat("audio/pcmu", 8000)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.data(), st.sampled_from([PCM, MULAW]))
def test_a_piece_is_the_slice_of_the_joined_bytes(lengths: list[int], data: st.DataObject, form: AudioFormat) -> None:
    total = sum(lengths)
    start = data.draw(st.integers(0, total))
    end = data.draw(st.integers(0, total + 3))
    joined = bytes(range(total))
    seqs = np.arange(len(lengths)) * 3 + 1
    piece = Piece.of(seqs, np.array(lengths), form, start=start, end=end)
    records, at = {}, 0
    for seq, length in zip(seqs.tolist(), lengths, strict=True):
        records[seq] = joined[at : at + length]
        at += length
    held = b"".join(records[seq] for seq in piece.seqs.tolist())[piece.skip : piece.skip + piece.size]
    step = 2 if form is PCM else 1
    expected = joined[start : max(end, start)]
    assert held == expected[: len(expected) // step * step]
    assert piece.samples * step == piece.size == len(held)
    if piece.size:
        assert piece.skip < piece.lengths[0]
        assert piece.lengths.sum() - piece.skip - piece.size < piece.lengths[-1]


def test_references_without_audio_are_left_out() -> None:
    refs = AudioRefs()
    for seq, length in ((3, 4), (5, 0), (9, 2)):
        refs.add(seq, length)
    seqs, lengths = ref_arrays(refs)
    assert (seqs.tolist(), lengths.tolist()) == ([3, 9], [4, 2])
    assert [len(array) for array in ref_arrays(AudioRefs())] == [0, 0]
