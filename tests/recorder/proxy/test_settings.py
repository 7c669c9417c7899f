"""Settings that cannot work are refused, secrets are not shown, and files with secrets are read with care."""

from __future__ import annotations

import pytest
from earwitness.recorder.proxy.settings import ProxySettings, read_secret, read_tokens
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.errors import DamagedFile, NotRecognised, RequestError

TOKEN, OTHER = "ewt-one-1234567890", "ewt-two-0987654321"


@pytest.mark.parametrize(
    "wrong",
    [{"max_sessions": 0}, {"max_message": -1}, {"idle_timeout": 0}, {"handshake_timeout": 0}, {"allow_paths": ("v1",)}],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(RequestError):
        ProxySettings(upstream=parse_upstream("openai"), **wrong)


def test_settings_do_not_show_their_secrets():
    settings = ProxySettings(
        upstream=parse_upstream("wss://u:pass-1@h"), tokens=("tok-2",), upstream_key="key-3", redaction_key=b"key-4" * 4
    )
    for secret in ("pass-1", "tok-2", "key-3", "key-4"):
        assert secret not in repr(settings)


def test_a_token_file_is_one_token_a_line(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who: why\n{TOKEN}\n\n  {OTHER}  \n")
    assert read_tokens(path) == (TOKEN, OTHER)


@pytest.mark.parametrize(("content", "words"), [("# nobody\n", "no token"), ("two words\n", "white space")])
def test_a_damaged_token_file_is_named(content, words, tmp_path):
    path = tmp_path / "tokens"
    path.write_text(content)
    with pytest.raises(DamagedFile, match=words):
        read_tokens(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(NotRecognised, match="cannot be read"):
        read_tokens(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(NotRecognised, match="not text"):
        read_secret(tmp_path / "binary")


def test_a_key_file_holds_one_key(tmp_path):
    path = tmp_path / "key"
    path.write_text("sk-1\n")
    assert read_secret(path) == "sk-1"
    path.write_text("sk-1 sk-2")
    with pytest.raises(DamagedFile, match="one key and nothing else"):
        read_secret(path)
