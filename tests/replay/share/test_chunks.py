"""Text in chunks: replaced as a whole, given back in as many pieces."""

from __future__ import annotations

from earwitness.replay.share.chunks import replace_in_chunks
from earwitness.replay.share.rules import Replacement
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.lists(st.text("ab1 ", max_size=6), max_size=6), st.sampled_from(["a+", "b", r"\d", "ab|ba", "a b", "(?=b)", "$"])
)
def test_pieces_put_together_are_the_replaced_text(chunks: list[str], pattern: str) -> None:
    rules = [Replacement.model_validate({"pattern": pattern, "with": "<>"})]
    replaced = replace_in_chunks(chunks, rules)
    assert len(replaced) == len(chunks)
    if chunks:
        assert "".join(replaced) == rules[0].regex.sub("<>", "".join(chunks))
