from __future__ import annotations

import json

import pytest
from earwitness.replay.playing.ids import ID_KEYS, IdMap, collect_ids
from hypothesis import given
from hypothesis import strategies as st


def mapped(**ids):
    ids_map = IdMap()
    for old, new in ids.items():
        ids_map.bind(old, new)
    return ids_map


def test_only_the_id_changes_and_nothing_else():
    frame = b'{ "item_id" :\t"old" , "b":1.50, "c":"\\u00e9\\/" }'
    assert mapped(old="new").rewrite(frame) == b'{ "item_id" :\t"new" , "b":1.50, "c":"\\u00e9\\/" }'


def test_a_frame_without_the_id_is_the_same_object():
    frame = b'{"item_id":"other"}'
    assert mapped(old="new").rewrite(frame) is frame
    assert IdMap().rewrite(frame) is frame


@pytest.mark.parametrize("key", ID_KEYS)
def test_every_id_field_is_mapped_at_any_depth(key):
    frame = json.dumps({"a": [{key: "old"}], key: "old"}).encode()
    assert mapped(old="new").rewrite(frame) == frame.replace(b'"old"', b'"new"')


@pytest.mark.parametrize(
    "frame",
    [
        b'{"text":"old"}',
        b'{"item_id":"old2"}',
        b'{"item_id":"xold"}',
        b'{"output":"{\\"item_id\\":\\"old\\"}"}',
        b'{"item_id":null,"role":"old"}',
    ],
)
def test_the_same_word_elsewhere_stays(frame):
    assert mapped(old="new").rewrite(frame) == frame


def test_an_id_that_is_a_pattern_to_a_regex_or_needs_escapes_is_taken_literally():
    assert mapped(**{"a.b": 'c"\\d'}).rewrite(b'{"id":"a.b"}') == b'{"id":"c\\"\\\\d"}'
    assert mapped(**{"a.b": "c"}).rewrite(b'{"id":"axb"}') == b'{"id":"axb"}'


def test_the_first_binding_holds_and_both_directions_are_known():
    ids = mapped(old="new")
    ids.bind("old", "newer")
    assert ids.to_live("old") == "new"
    assert ids.to_recorded("new") == "old"
    assert ids.to_recorded("unknown") == "unknown"


def test_asis_changes_nothing():
    ids = IdMap("asis")
    ids.bind("old", "new")
    assert ids.rewrite(b'{"id":"old"}') == b'{"id":"old"}'
    assert ids.to_recorded("new") == "new"


def test_fresh_ids_are_consistent_of_the_same_shape_and_differ_between_connections():
    frame = (
        b'{"event_id":"event_Abc123","item":{"id":"item_Zz9"},"item_id":"item_Zz9","uuid":"5d2f-00aa","id":"5d2f-00aa"}'
    )
    first, again, other = (json.loads(IdMap("fresh", nonce=n).rewrite(frame)) for n in (b"1", b"1", b"2"))
    assert first == again != other
    assert first["item"]["id"] == first["item_id"]
    assert first["item_id"].startswith("item_")
    assert len(first["item_id"]) == len("item_Zz9")
    assert first["id"].count("-") == 1
    int(first["id"].replace("-", ""), 16)
    assert first["uuid"] == "5d2f-00aa", "no id field"


def test_fresh_leaves_what_the_client_brought_and_what_it_chose():
    ids = IdMap("fresh", keep=frozenset(("mine",)))
    ids.bind("theirs", "chosen")
    assert ids.rewrite(b'{"id":"mine","item_id":"theirs"}') == b'{"id":"mine","item_id":"chosen"}'


def test_a_fresh_id_is_known_on_its_way_back():
    ids = IdMap("fresh")
    live = json.loads(ids.rewrite(b'{"call_id":"call_1"}'))["call_id"]
    assert ids.to_recorded(live) == "call_1"


def test_short_ids_stay_distinct():
    ids = IdMap("fresh")
    made = [ids.to_live(str(number)) for number in range(200)]
    assert len(set(made)) == 200
    assert [ids.to_recorded(live) for live in made] == [str(number) for number in range(200)]


def test_the_metadata_of_one_response_is_put_in_place():
    ids = IdMap()
    ids.bind_metadata("r", {"run": "1", "same": "x"}, {"run": "2", "same": "x"})
    frame = b'{"response":{"id":"r","metadata": {"run" : "1", "same":"x", "a}":"{1"},"output":[{"text":"1"}]}}'
    assert ids.has_metadata
    assert ids.rewrite_metadata(frame, "r") == frame.replace(b'"run" : "1"', b'"run" : "2"')
    assert ids.rewrite_metadata(frame, "other") is frame
    assert ids.rewrite_metadata(b'{"response":{"metadata":null}}', "r") == b'{"response":{"metadata":null}}'


def test_metadata_that_is_the_same_or_no_object_binds_nothing():
    ids = IdMap()
    ids.bind_metadata("r", {"a": "1"}, {"a": "1"})
    ids.bind_metadata("r", None, {"a": "1"})
    ids.bind_metadata("r", {"a": "1"}, "x")
    assert not ids.has_metadata


identifiers = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(st.dictionaries(st.sampled_from(ID_KEYS), identifiers), identifiers, identifiers)
def test_rewriting_json_changes_the_values_that_are_that_id(fields, old, new):
    """Ids that JSON spells with escapes are left alone, so these need none."""
    if any(json.dumps(value, ensure_ascii=False)[1:-1] != value for value in (*fields.values(), old)):
        return
    frame = json.dumps(fields, ensure_ascii=False).encode()
    expected = {key: new if value == old else value for key, value in fields.items()}
    assert json.loads(mapped(**{old: new}).rewrite(frame)) == expected


@given(st.binary(max_size=200), st.sampled_from(["map", "fresh"]))
def test_any_bytes_can_be_rewritten(frame, mode):
    ids = IdMap(mode)
    ids.bind("a", "b")
    ids.rewrite(frame)


def test_ids_are_collected_wherever_they_stand():
    found: list[str] = []
    collect_ids({"item": {"id": "a", "content": [{"item_id": "b"}]}, "text": "c", "call_id": 5}, found.append)
    assert found == ["a", "b"]
