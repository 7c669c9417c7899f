"""Traffic of any shape, for properties: events with the right names and anything in them, and what is no event."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = st.sampled_from(["item_1", "root", "Lisbon", '{"a": "\\u00e9"}', "AAAA", "no base64", "", "\ud800"])
KEYS = st.sampled_from(
    ["id", "item_id", "delta", "audio", "instructions", "logprobs", "output", "message", "headers", "item", "labels"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [
        "session.updated",
        "conversation.item.create",
        "input_audio_buffer.append",
        "response.output_audio.delta",
        "response.output_text.delta",
        "error",
        "conversation.item.added",
        "response.done",
        "vendor.own",
    ]
)
FRAMES = st.lists(
    st.tuples(
        st.sampled_from(["client", "server"]),
        st.builds(lambda fields, name: {**fields, "type": name}, st.dictionaries(KEYS, VALUES, max_size=4), TYPES)
        | st.text(st.characters(codec="utf-8"), max_size=20)
        | st.binary(max_size=10),
    ),
    max_size=6,
)
