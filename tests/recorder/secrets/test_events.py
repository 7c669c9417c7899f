"""Secrets in messages: the value is replaced where it stands, and nothing else changes."""

from __future__ import annotations

import json

import pytest
from earwitness.recorder.secrets.events import EventRedactor, hide_fragments, parse_secret_path
from earwitness.recorder.secrets.markers import Marker
from earwitness.recorder.secrets.spans import parse_spans, walk
from earwitness.schemas.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

MARKER = Marker(b"k" * 32)
mark = MARKER.mark
KEY = "sk-proj-A1b2C3d4E5f6G7h8I9j0WXYZ"


def redactor(*paths: str, secrets: tuple[str, ...] = (KEY,)) -> EventRedactor:
    return EventRedactor(MARKER, secrets, [parse_secret_path(path) for path in paths])


def redact(payload: bytes | str, *paths: str) -> tuple[str, tuple[str, ...]]:
    data = payload if isinstance(payload, bytes) else payload.encode()
    try:
        type_ = json.loads(data).get("type")
    except (ValueError, AttributeError):
        type_ = None
    shown, found = redactor(*paths)(data, "client", type_)
    return shown.decode("utf-8", "surrogateescape"), found


CASES = {
    "client secret of a created session": (
        '{"type":"session.created", "session": {"client_secret": {"value": "ek_1", "expires_at": 17}, "x": 1.50}}',
        "ek_1",
        ["session.client_secret.value"],
    ),
    "client secret as a string": ('{"type":"x","client_secret":"cs_9"}', "cs_9", ["client_secret"]),
    "authorization of an MCP tool": (
        '{"type":"session.update","session":{"tools":[{"type":"mcp","authorization":"tok-1","n":"a"}]}}',
        "tok-1",
        ["session.tools[0].authorization"],
    ),
    "authorization in a response's tools, odd spacing": (
        '{ "response" :{"tools":[ {"a":1} ,\n{"authorization"\t:  "tok-2" } ] },"type":"response.create"}',
        "tok-2",
        ["response.tools[1].authorization"],
    ),
    "the same key twice": (
        '{"type":"session.update","authorization":"tok-3","authorization":"tok-3"}',
        "tok-3",
        ["authorization", "authorization"],
    ),
    "a key written in escapes": (
        '{"type":"session.update","\\u0061uthorization":"tok-4"}',
        "tok-4",
        ["authorization"],
    ),
    "a value written in escapes": (
        '{"type":"session.update","authorization":"tok\\u002d5"}',
        "tok\\u002d5",
        ["authorization"],
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_secret_is_replaced_where_it_stands(case):
    payload, secret, paths = CASES[case]
    value = json.loads(f'"{secret}"')
    assert redact(payload) == (payload.replace(secret, mark(value)), tuple(paths))


def test_headers_of_an_mcp_tool_lose_their_values_and_keep_their_names():
    payload = (
        '{"type":"session.update","session":{"tools":[{"type":"mcp","server_label":"s",'
        '"headers":{"Authorization":"Bearer abc","X-Mode":"fast","n":5,"none":null}}]}}'
    )
    shown, paths = redact(payload)
    headers = json.loads(shown)["session"]["tools"][0]["headers"]
    assert headers == {
        "Authorization": f"Bearer {mark('abc')}",
        "X-Mode": mark("fast"),
        "n": mark("5"),
        "none": None,
    }
    assert len(paths) == 3


def test_only_credentials_of_a_server_url_go():
    payload = (
        '{"type":"session.update","tools":[{"type":"mcp","server_url":"https://u:p@mcp.example/x?api_key=k&y=1"}]}'
    )
    shown, paths = redact(payload)
    url = json.loads(shown)["tools"][0]["server_url"]
    assert url == f"https://{mark('u:p')}@mcp.example/x?api_key={mark('k')}&y=1"
    assert paths == ("tools[0].server_url",)


HARMLESS = [
    '{"type":"x","tools":[{"parameters":{"authorization":{"type":"string"},"headers":{"type":"object"}}}]}',
    '{"type":"x","tools":[{"type":"mcp","server_url":"https://h/x?y=1","headers":null,"authorization":null}]}',
    '{"type":"session.created","session":{"client_secret":null}}',
    '{"type":"error","error":{"message":"headers and authorization were fine","code":"x"}}',
    '{"type":"x","text":"caf\\u00e9 \\ud800 1.0e400"}',
    "[1, 2",
    "",
    "null",
    '"authorization"',
]


@pytest.mark.parametrize("payload", HARMLESS)
def test_what_only_looks_like_a_secret_stays_byte_for_byte(payload):
    assert redact(payload) == (payload, ())


ERRORS = [
    ("Incorrect API key provided: sk-proj-************WXYZ.", f"Incorrect API key provided: {mark(KEY)}."),
    ("key sk-proj-A1b... is bad", f"key {mark(KEY)} is bad".replace(mark(KEY), mark(KEY) + "...")),
    (f"the whole {KEY}!", f"the whole {mark(KEY)}!"),
    ("ends in WXYZ", f"ends in {mark(KEY)}"),
    ("ends in j0WXYZ, starts with sk-proj-A1", f"ends in {mark(KEY)}, starts with {mark(KEY)}"),
    ("nothing of it: sk-pro, XYZ", "nothing of it: sk-pro, XYZ"),
]


@pytest.mark.parametrize(("message", "shown"), ERRORS)
def test_fragments_of_the_sessions_key_in_an_error_are_masked(message, shown):
    for frame in (
        {"type": "error", "event_id": "event_WXYZ", "error": {"type": "x", "message": message, "code": "WXYZ"}},
        {"type": "response.done", "response": {"status_details": {"error": {"message": message}}}},
    ):
        payload, _ = redact(json.dumps(frame))
        masked = json.loads(json.dumps(frame).replace(message, shown))
        assert json.loads(payload) == masked


def test_ids_and_codes_in_an_error_are_not_mistaken_for_fragments():
    payload = '{"type":"error","event_id":"event_WXYZ","error":{"event_id":"evt_WXYZ","code":"WXYZ","message":"m"}}'
    assert redact(payload) == (payload, ())


def test_elsewhere_only_the_whole_key_is_masked():
    assert redact('{"type":"x","note":"sk-proj- and WXYZ"}')[1] == ()
    assert redact(f'{{"type":"x","note":"{KEY}"}}') == (f'{{"type":"x","note":"{mark(KEY)}"}}', ("note",))
    assert redact(f"not JSON {KEY}") == (f"not JSON {mark(KEY)}", ("$",))


def test_a_secret_seen_in_one_message_is_known_in_the_next():
    each = redactor()
    each(b'{"type":"session.created","session":{"client_secret":{"value":"ek_learned"}}}', "server", "session.created")
    shown, paths = each(b'{"type":"x","note":"use ek_learned"}', "server", "x")
    assert shown == f'{{"type":"x","note":"use {mark("ek_learned")}"}}'.encode()
    assert paths == ("note",)


def test_a_damaged_message_loses_what_stands_behind_the_names():
    shown, paths = redact('{"type":"session.update","authorization":"tok-torn')
    assert shown == f'{{"type":"session.update","authorization":"{mark("tok-torn")}'
    assert paths == ("$",)


def test_audio_and_deltas_are_not_searched():
    payload = b'{"type":"input_audio_buffer.append","audio":"c2stcHJv","client_secret":"x"}'
    assert redactor()(payload, "client", "input_audio_buffer.append") == (payload, ())


PATHS = [
    ("session.instructions", '{"session":{"instructions":"be kind","x":1}}', ["session.instructions"]),
    ("$.session", '{"session":{"instructions":"be kind","x":1}}', ["session"]),
    ("item.parts[*].text", '{"item":{"parts":[{"text":"a"},{}]}}', ["item.parts[0].text"]),
    ("parts[*].text", '{"parts":[{"text":"a"},{"text":"b"}]}', ["parts[0].text", "parts[1].text"]),
    ("item.content[1]", '{"item":{"content":[1,2.50]}}', ["item.content[1]"]),
    ("*.name", '{"a":{"name":"n"},"b":[],"c":{"name":null}}', ["a.name", "c.name"]),
    ('["a.b"].c', '{"a.b":{"c":true}}', ['["a.b"].c']),
    ("audio", '{"type":"input_audio_buffer.append","audio":"AAAA"}', ["audio"]),
    ("no.such.place", '{"no":{"such":[]}}', []),
]  # fmt: skip


@pytest.mark.parametrize(("path", "payload", "found"), PATHS)
def test_a_users_path_takes_the_whole_value_out(path, payload, found):
    shown, paths = redact(payload, path)
    assert list(paths) == found
    tree = parse_spans(shown.encode())
    assert tree is not None
    replaced = {node.path: node.text(shown.encode()) for node in walk(tree) if node.path in found}
    original = parse_spans(payload.encode())
    assert original is not None
    for node in walk(original):
        if node.path in found:
            raw = payload[node.start : node.end]
            assert replaced[node.path] == mark(json.loads(raw) if node.kind == "string" else raw)


@pytest.mark.parametrize("text", ["", "$", "*", "[0]", "a[", "a[x]", "a..b[", 'a["'])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(RequestError, match="is not a JSON path|names no key"):
        parse_secret_path(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_positions_are_those_of_the_values(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    tree = parse_spans(text)
    assert tree is not None
    assert json.loads(text[tree.start : tree.end].decode("utf-8", "surrogatepass")) == value
    for node in walk(tree):
        json.loads(text[node.start : node.end].decode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data):
    shown, paths = redactor("a.b")(data, "client", None)
    if not paths:
        assert shown == data


@pytest.mark.parametrize("text", ["{", "[1,]", '{"a":1,}', '{"a"}', "{1:2}", "[1 2]", "{} {}", "]", '"a', "nul"])
def test_what_is_not_json_has_no_positions(text):
    assert parse_spans(text.encode()) is None


def test_depth_is_no_danger():
    deep = b'{"authorization":"tok-deep","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    shown, paths = redactor()(deep, "client", None)
    assert b"tok-deep" not in shown
    assert paths == ("authorization",)


TEXTS = st.text("abcdefghij 0123456789*.", max_size=80)
SECRETS = st.text("abcdefghijklmnop0123456789-_/+", min_size=8, max_size=40)


@given(SECRETS, TEXTS, TEXTS)
def test_no_start_and_no_end_of_a_secret_survives_in_a_free_text(secret, before, after):
    for fragment in (secret, secret[:8], secret[-4:], f"{secret[:8]}***{secret[-4:]}", secret.replace("/", "\\/")):
        shown = hide_fragments(f"{before} {fragment} {after}".encode(), [secret], MARKER).decode()
        rest = shown.replace(mark(secret), "\n")
        assert secret[:8] not in rest
        assert secret[-4:] not in rest
