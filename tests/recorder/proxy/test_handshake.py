"""The handshake's headers and targets, as pure functions; `test_listener.py` has the same over sockets."""

from __future__ import annotations

import json

import pytest
from earwitness.recorder.proxy.handshake import (
    Answer,
    accepted_headers,
    can_be_sent,
    labels_of,
    offer_upward,
    open_statement,
    presented_keys,
    reason_phrase,
    refusal_headers,
    session_secrets,
)
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.recorder.secrets.markers import Marker

UPSTREAM = parse_upstream("wss://h.example/base")
MARKER = Marker(b"k" * 32)


def offer(headers, target="/v1/realtime?model=x", **options):
    return offer_upward(target, headers, UPSTREAM, nonce="nonce==", **options)


def test_what_belongs_to_one_connection_is_made_anew_in_its_place():
    sent = offer([("hOsT", "proxy:1"), ("X-A", "1"), ("Connection", "keep-alive, Upgrade"), ("Sec-WebSocket-Key", "k")])
    assert sent.headers == [
        ("hOsT", "h.example"),
        ("X-A", "1"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "nonce=="),
    ]
    assert sent.target == "/base/v1/realtime?model=x"


def test_a_header_that_this_side_writes_is_written_once():
    assert offer([("Host", "a"), ("Host", "b"), ("Upgrade", "WebSocket")]).headers == [
        ("Host", "h.example"),
        ("Upgrade", "websocket"),
    ]


def test_the_clients_credentials_are_taken_out_everywhere():
    sent = offer(
        [
            ("Authorization", "Bearer t"),
            ("api-key", "t"),
            ("X-Api-Key", "t"),
            ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.t, openai-beta.realtime-v1"),
        ],
        target="/p?a=1&api-key=t&b=%2F",
        strip_credentials=True,
    )
    assert sent.headers == [("Sec-WebSocket-Protocol", "realtime, openai-beta.realtime-v1")]
    assert sent.target == "/base/p?a=1&b=%2F"
    assert offer([], target="/p?api-key=t", strip_credentials=True).target == "/base/p"


def test_userinfo_of_the_upstream_is_shown_unless_there_is_a_key():
    upstream = parse_upstream("wss://u:p@h.example")
    assert offer_upward("/", [], upstream, nonce="n").headers == [("Authorization", "Basic dTpw")]
    assert offer_upward("/", [], upstream, nonce="n", key="k").headers == [("Authorization", "Bearer k")]


def test_labels_may_be_repeated_or_listed():
    headers = [("X-Earwitness-Label", "a=1, b = two "), ("x-earwitness-label", "c"), ("x-earwitness-label", "a=3,=x")]
    assert labels_of(headers) == {"a": "3", "b": "two", "c": ""}


def test_keys_are_looked_for_where_sdks_put_them():
    headers = [
        ("Authorization", "Bearer one"),
        ("api-key", "two"),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.three"),
        ("Cookie", "not=this"),
    ]
    assert presented_keys(headers, "/p?api-key=fo%75r&model=x&token=five") == ["one", "two", "three", "four", "five"]
    assert presented_keys([("Authorization", "bare")], "/p") == ["bare"]
    assert presented_keys([], "/p") == []


def test_secrets_of_both_requests_are_known():
    sent = offer([("Authorization", "Bearer clients")], key="upstreams")
    found = session_secrets([("Authorization", "Bearer clients")], "/p?sig=s", sent)
    assert set(found) == {"clients", "upstreams", "s"}


def test_the_answer_comes_back_without_what_belongs_to_the_other_connection():
    answer = [
        *[("Upgrade", "websocket"), ("Connection", "Upgrade, X-Hop"), ("Sec-WebSocket-Accept", "theirs")],
        *[("Sec-WebSocket-Extensions", "x"), ("X-Hop", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b")],
    ]
    assert accepted_headers(answer, "ours")[2:] == [
        ("Sec-WebSocket-Accept", "ours"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
    ]


@pytest.mark.parametrize(("status", "expected"), [(401, [("Content-Length", "3")]), (304, [])])
def test_a_refusal_states_its_length_where_it_may_have_a_body(status, expected):
    headers = refusal_headers([("Transfer-Encoding", "chunked"), ("Content-Length", "9")], b"abc", status)
    assert headers == [*expected, ("Connection", "close")]


def test_the_open_statement_holds_no_secret():
    secrets = ("sk-1234567890abWXYZ",)
    statement = open_statement(
        ProxySettings(upstream=UPSTREAM),
        opened_at="2025-01-01T00:00:00.000000Z",
        program="earwitness/1",
        target=f"/p?api-key={secrets[0]}",
        headers=[("Authorization", f"Bearer {secrets[0]}"), ("X-Echo", secrets[0])],
        answer=Answer(401, "Unauthorized", [("X-Echo", secrets[0])], f"bad key {secrets[0]}".encode()),
        labels={"a": "1"},
        marker=MARKER,
        secrets=secrets,
    )
    payload = statement.to_payload().decode()
    assert secrets[0] not in payload
    assert payload.count(MARKER.mark(secrets[0])) == 5
    assert statement.response is not None
    assert statement.response.body == f"bad key {MARKER.mark(secrets[0])}"


def stated(**settings):
    return open_statement(
        ProxySettings(upstream=UPSTREAM, **settings),
        opened_at="", program="", target="/", headers=[], labels={"a": "client's"}, marker=MARKER, secrets=(),
        answer=Answer(101, "", [], b""),
    )  # fmt: skip


def test_a_body_is_kept_of_refusals_only():
    response = stated().response
    assert response is not None
    assert response.body is None


def test_the_open_statement_has_the_settings_origin_links_and_labels():
    plain = json.loads(stated().to_payload())
    assert set(plain) == {"opened_at", "program", "upstream", "request", "response", "labels"}
    driven = stated(origin="drive", links={"drives": "old"}, labels={"a": "proxy's", "b": "proxy's"})
    assert json.loads(driven.to_payload()) == plain | {
        "origin": "drive",
        "links": {"drives": "old"},
        "labels": {"a": "client's", "b": "proxy's"},
    }


def test_bytes_that_were_read_and_cannot_be_written_are_found():
    assert can_be_sent("/p", [("a", "caf\xe9")])
    assert not can_be_sent("/p", [("a", "caf\udce9")])
    assert not can_be_sent("/p\udce9", [])


def test_phrases_of_unknown_statuses_are_empty():
    assert (reason_phrase(429), reason_phrase(599)) == ("Too Many Requests", "")
