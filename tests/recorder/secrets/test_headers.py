"""Secrets of the handshake are found by their names and leave everything around them as it was."""

from __future__ import annotations

import base64

import pytest
from earwitness.recorder.secrets.headers import (
    find_secrets,
    is_secret_name,
    redact_headers,
    redact_target,
    redact_urls,
    subprotocol_secret,
)
from earwitness.recorder.secrets.markers import MARKER_PREFIX, Marker
from hypothesis import given
from hypothesis import strategies as st

MARKER = Marker(b"k" * 32)
mark = MARKER.mark

HEADERS = [
    ("Authorization", "Bearer sk-abc", f"Bearer {mark('sk-abc')}"),
    ("authorization", "sk-without-scheme", mark("sk-without-scheme")),
    ("Proxy-Authorization", "Basic dTpw", f"Basic {mark('dTpw')}"),
    ("api-key", "0123abcd", mark("0123abcd")),
    ("Ocp-Apim-Subscription-Key", "k1", mark("k1")),
    ("X-Goog-Api-Key", "k2", mark("k2")),
    ("x-amz-security-token", "k3", mark("k3")),
    ("Cookie", "a=1; session=two; flag", f"a={mark('1')}; session={mark('two')}; {mark('flag')}"),
    ("Set-Cookie", "sid=abc; Path=/; HttpOnly", f"sid={mark('abc')}; Path=/; HttpOnly"),
    (
        "Sec-WebSocket-Protocol",
        "realtime, openai-insecure-api-key.sk-x.y, openai-beta.realtime-v1",
        f"realtime, openai-insecure-api-key.{mark('sk-x.y')}, openai-beta.realtime-v1",
    ),
    ("Sec-WebSocket-Protocol", "token, abcdef", f"token, {mark('abcdef')}"),
    ("Sec-WebSocket-Protocol", "xai-client-secret.zz", f"xai-client-secret.{mark('zz')}"),
    ("Referer", "https://u:p@app.example/x?token=t&y=1", f"https://{mark('u:p')}@app.example/x?token={mark('t')}&y=1"),
    ("api-key", "", ""),
]
KEPT = [
    ("Host", "api.openai.com"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("Sec-WebSocket-Protocol", "realtime,openai-beta.realtime-v1 ,  openai-project.p1"),
    ("x-ratelimit-remaining-tokens", "12"),
    ("x-request-id", "req_1"),
    ("WWW-Authenticate", 'Bearer realm="x"'),
    ("OpenAI-Organization", "org-1"),
    ("Origin", "https://app.example"),
]


@pytest.mark.parametrize(("name", "value", "shown"), HEADERS)
def test_a_secret_header_is_replaced_and_its_surroundings_stay(name, value, shown):
    assert redact_headers([(name, value)], MARKER) == [(name, shown)]


@pytest.mark.parametrize(("name", "value"), KEPT)
def test_other_headers_stay_as_they_are(name, value):
    assert redact_headers([(name, value)], MARKER) == [(name, value)]
    assert find_secrets([(name, value)], "/") == ()


TARGETS = [
    ("/v1/realtime?model=x&api-key=abc&y=1", f"/v1/realtime?model=x&api-key={mark('abc')}&y=1"),
    ("/p?api%2Dkey=a%2Fb&x=%zz", f"/p?api%2Dkey={mark('a/b')}&x=%zz"),
    ("/p?access_token=t;sig=s", f"/p?access_token={mark('t')};sig={mark('s')}"),
    ("/p?ACCESS_TOKEN=t", f"/p?ACCESS_TOKEN={mark('t')}"),
    ("/p?token=&key", "/p?token=&key"),
    ("/p?max_tokens=5&monkey=1&tokenizer=a", "/p?max_tokens=5&monkey=1&tokenizer=a"),
    ("/p?next=https://u:p@h/", f"/p?next=https://{mark('u:p')}@h/"),
]


@pytest.mark.parametrize(("target", "shown"), TARGETS)
def test_secret_query_parameters_are_replaced_and_the_rest_stays_byte_for_byte(target, shown):
    assert redact_target(target, MARKER) == shown


def test_a_secret_known_from_elsewhere_is_replaced_wherever_it_stands():
    secrets = ("sk-known-from-the-header",)
    assert redact_target("/p/sk-known-from-the-header/x", MARKER, secrets) == f"/p/{mark(secrets[0])}/x"
    assert redact_headers([("X-Echo", "got sk-known-from-the-header!")], MARKER, secrets) == [
        ("X-Echo", f"got {mark(secrets[0])}!")
    ]


def test_one_key_has_one_marker_in_every_place():
    key = "sk-the-same-key"
    shown = redact_headers(
        [
            ("Authorization", f"Bearer {key}"),
            ("api-key", key),
            ("Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{key}"),
        ],
        MARKER,
    )
    assert all(mark(key) in value for _, value in shown)
    assert mark(key) in redact_target(f"/p?api-key={key}", MARKER)


def test_a_marker_matches_for_one_key_and_not_for_another():
    assert Marker(b"k" * 32).mark("secret") == mark("secret")
    assert Marker(b"l" * 32).mark("secret") != mark("secret")
    assert Marker().mark("secret") != Marker().mark("secret")
    assert len(mark("secret")) == len(MARKER_PREFIX) + 16


def test_the_secrets_of_a_request_are_listed_once_each():
    basic = base64.b64encode(b"user:hidden-password").decode()
    found = find_secrets(
        [("Authorization", f"Basic {basic}"), ("Cookie", "a=1"), ("api-key", "k")],
        "/p?api-key=k&token=t%2B1",
    )
    assert set(found) == {basic, "hidden-password", "1", "k", "t+1"}
    assert len(found) == 5


@pytest.mark.parametrize(("element", "previous", "expected"), [
    ("openai-insecure-api-key.sk-1.2", None, ("openai-insecure-api-key.", "sk-1.2")),
    ("base64url.bearer.authorization.k8s.io.abc", None, ("base64url.bearer.", "authorization.k8s.io.abc")),
    ("abc", "Bearer", ("", "abc")),
    ("realtime", None, None),
    ("realtime", "openai-beta.realtime-v1", None),
])  # fmt: skip
def test_a_subprotocol_with_a_key_is_split_at_its_announcement(element, previous, expected):
    assert subprotocol_secret(element, previous) == expected


def test_urls_lose_userinfo_and_secret_parameters():
    assert redact_urls("see https://a:b@h/x?sig=1&y=2 now", mark) == (
        f"see https://{mark('a:b')}@h/x?sig={mark('1')}&y=2 now"
    )
    assert redact_urls("mail me at a@b.example?token=1", mark) == "mail me at a@b.example?token=1"


@pytest.mark.parametrize("name", ["key", "KEY", "x-api-key", "subscription_key", "apikey", "auth", "jwt", "pwd"])
def test_names_of_secrets(name):
    assert is_secret_name(name)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_no_target_loses_anything_but_values(path):
    shown = redact_target("/" + path, MARKER)
    if MARKER_PREFIX not in shown:
        assert shown == "/" + path


KEYS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=12, max_size=80)


@given(KEYS, st.sampled_from(["Bearer {}", "{}"]), st.sampled_from(["authorization", "api-key", "x-token", "cookie"]))
def test_no_secret_survives_in_its_place(key, form, name):
    (shown,) = redact_headers([(name, form.format(key))], MARKER)
    assert key not in shown[1]
    assert key not in redact_target(f"/p?a=1&api-key={key}", MARKER)
    assert key in find_secrets([("api-key", key)], "/")
