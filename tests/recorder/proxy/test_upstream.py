"""What a user writes for the upstream, and what is dialled."""

from __future__ import annotations

import pytest
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import RequestError

FORMS = [
    ("openai", "wss://api.openai.com", "openai"),
    ("azure:my-resource", "wss://my-resource.openai.azure.com", "azure"),
    ("wss://api.openai.com/", "wss://api.openai.com", "openai"),
    ("https://h.example:443/a/b/", "wss://h.example/a/b", "other"),
    ("http://h.example:80", "ws://h.example", "other"),
    ("ws://127.0.0.1:8765", "ws://127.0.0.1:8765", "other"),
    ("ws://[::1]:8765/x", "ws://[::1]:8765/x", "other"),
    ("wss://r.services.ai.azure.com", "wss://r.services.ai.azure.com", "azure"),
    ("wss://notopenai.com", "wss://notopenai.com", "other"),
]


@pytest.mark.parametrize(("text", "url", "vendor"), FORMS)
def test_every_form_becomes_a_base_url(text, url, vendor):
    upstream = parse_upstream(text)
    assert (upstream.base_url, upstream.vendor) == (url, vendor)


@pytest.mark.parametrize(
    "text",
    ["", "api.openai.com", "ftp://h", "wss://", "wss://h:port", "wss://h:99999", "azure:", "azure:a/b", "wss://[::1"],
)
def test_anything_else_is_refused_with_the_forms_that_there_are(text):
    with pytest.raises(RequestError) as raised:
        parse_upstream(text)
    assert "azure:RESOURCE" in raised.value.hint


@pytest.mark.parametrize("text", ["wss://h/v1?model=x", "wss://h/#x"])
def test_a_query_belongs_to_the_client(text):
    with pytest.raises(RequestError, match="must end with its path"):
        parse_upstream(text)


def test_userinfo_becomes_a_header_and_is_never_shown():
    upstream = parse_upstream("wss://user:p%40ss@h.example/x")
    assert upstream.authorization == "Basic dXNlcjpwQHNz"
    assert upstream.base_url == "wss://h.example/x"
    for secret in ("p@ss", "p%40ss", "dXNlcjpwQHNz"):
        assert secret not in repr(upstream)
