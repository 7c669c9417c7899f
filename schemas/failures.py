"""What an error says, and why a response ended as it did, in words, however a server states it."""

from __future__ import annotations

from typing import Any, cast

from .state import Response, ServerError, Transcription
from .values import Json, string

__all__ = ["error_words", "failure_of_transcription", "outcome", "reason_of", "server_error_words", "stated_error"]


def stated_error(event: Json) -> Json:
    """Return the error that an ``error`` event states, as an object with ``type``, ``code``, ``message``, ….

    The reference has an object under ``error``. vLLM states a string there, with the code beside it; others state the
    fields in the event itself.
    """
    stated = event.get("error")
    if isinstance(stated, dict):
        return cast("Json", stated)
    beside = {key: event[key] for key in ("code", "message", "param") if event.get(key) is not None}
    return {"message": stated, **beside} if isinstance(stated, str) else beside


def error_words(error: Any) -> str:
    """Return an error in words: its code, else its type, and its message; empty where it states nothing."""
    match error:
        case str():
            return error
        case dict():
            fields = cast("Json", error)
            name = string(fields, "code") or string(fields, "type")
            return ": ".join(filter(None, (name, string(fields, "message"))))
        case _:
            return ""


def server_error_words(error: ServerError) -> str:
    """Return an ``error`` event in words; where it states none, it says so."""
    return ": ".join(filter(None, (error.code or error.type, error.message))) or "no words stated"


def failure_of_transcription(transcription: Transcription | None) -> str | None:
    """Return that a transcription failed, with code and message where they are stated; None if it did not fail."""
    if transcription is None or transcription.status != "failed":
        return None
    return ": ".join(filter(None, ("transcription failed", error_words(transcription.error))))


def outcome(response: Response) -> str | None:
    """Return how a response that failed, was cancelled or stayed incomplete ended, and why; None for any other.

    The reason is ``status_details``: an object with ``reason``, ``error`` or both, or a bare string (xAI).
    """
    if response.status not in ("failed", "incomplete", "cancelled"):
        return None
    return f"{response.status}: {reason_of(response.status_details) or 'no reason stated'}"


def reason_of(details: Any) -> str:
    """Return what ``status_details`` gives as the reason; empty if it gives none."""
    match details:
        case str():
            return details
        case dict():
            fields = cast("Json", details)
            return ": ".join(filter(None, (string(fields, "reason"), error_words(fields.get("error")))))
        case _:
            return ""
