"""Yesterday's user against another server: a recording's client side is driven, recorded again, and compared.

The driver talks to the upstream through the recording proxy, in this process, so that the new session is in the
journal like any other; its ``open`` record says ``"origin": "drive"`` and links the session that it plays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlsplit

from ...recorder.journal import JournalReader
from ...recorder.proxy.listener import recording_proxy
from ...recorder.proxy.session_end import SessionEnd
from ...recorder.proxy.settings import ProxySettings
from ...recorder.proxy.upstream import Upstream
from ...schemas.dialects.vocabulary import canonical_type
from ...schemas.errors import RequestError, UpstreamRefused
from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.statements import Header, OpenStatement
from ...schemas.summary import MODEL_PARAMETERS
from ..compare.diff import compare_recordings
from ..compare.result import Diff, DiffOptions
from ..fold import fold_recording
from .connect import DriveResult, drive

__all__ = ["DriveOptions", "DriveOutcome", "Prefix", "drive_session", "first_turns", "handshake"]

DEFAULT_TARGET: Final = "/v1/realtime"
REDACTED: Final = "redacted:"
LINK: Final = "drives"

_GRACE_S: Final = 10.0
_NOT_SENT: Final = frozenset(
    (
        "host",
        "connection",
        "upgrade",
        "user-agent",
        "content-length",
        "authorization",
        "api-key",
        "x-api-key",
        "cookie",
        "origin",
    )
)
"""Request headers that belong to the recorded connection or its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveOptions:
    """How a recording is driven.

    Attributes:
        speed: recorded seconds per second, or ``max``.
        turns: play only the user's first N turns; all where None.
        target: path and query in place of the recorded ones.
        model: the model to ask for in place of the recorded one, in the query.
        upstream_key: API key to present upstream; a secret, never recorded.
        patience: seconds for which a frame waits for something that this server may never do.
        on_other_call: where the model makes another call than the recorded output answers: ``go`` on, or ``stop``.
        diff: what counts as a difference.
    """

    speed: float | str = 1
    turns: int | None = None
    target: str | None = None
    model: str | None = None
    upstream_key: str | None = None
    patience: float = 30.0
    on_other_call: Literal["go", "stop"] = "go"
    diff: DiffOptions = field(default_factory=DiffOptions)


@dataclass(frozen=True, slots=True)
class DriveOutcome:
    """The result.

    Attributes:
        session: public id of the new session.
        head: the ledger's head after it; None where the store did not take the end.
        driven: what the driver saw.
        diff: the old conversation against the new one.
    """

    session: str
    head: str | None
    driven: DriveResult
    diff: Diff


async def drive_session(
    recording: Recording,
    upstream: Upstream,
    db: str,
    options: DriveOptions,
    *,
    connecting: Callable[[str], None] = lambda url: None,
) -> DriveOutcome:
    """Drive a recording's client side against an upstream, record the new session, and compare the two.

    Args:
        recording: the old session.
        upstream: the server to drive.
        db: path or URL of the journal for the new session; created if absent.
        options: see :class:`DriveOptions`.
        connecting: told where the driver connects upstream, before it does.

    Raises:
        RequestError: the recording has no such turns.
        UpstreamUnreachable, UpstreamRefused: the upstream does not open a session.
        StoreError: the journal cannot be written.
    """
    source = recording if options.turns is None else await first_turns(recording, options.turns)
    target, headers, subprotocols = handshake(await _opening(recording), options.target, options.model)
    ended: list[SessionEnd] = []
    settings = ProxySettings(
        upstream=upstream, upstream_key=options.upstream_key, origin="drive", links={LINK: recording.info.id}
    )
    async with recording_proxy(db, settings, on_session_end=ended.append, grace=_GRACE_S) as proxy:
        connecting(upstream.base_url + target)
        try:
            driven = await drive(
                source,
                proxy.url + target,
                speed=options.speed,
                headers=dict(headers),
                subprotocols=subprotocols,
                patience=options.patience,
                on_other_call=options.on_other_call,
            )
        except UpstreamRefused as error:
            # The address in the driver's message is that of the proxy between.
            raise UpstreamRefused(
                f"{upstream.base_url} refused the handshake with {error.data['status']}.",
                hint=error.hint,
                **error.data,
            ) from error
    end = ended[0]
    async with await JournalReader.open(db) as reader:
        new = reader.recording((await reader.resolve(end.id)).id)
        found = await compare_recordings(source, new, options.diff)
    return DriveOutcome(end.id, end.head, driven, found)


# The handshake


async def _opening(recording: Recording) -> OpenStatement | None:
    async for batch in recording.batches(0, 1):
        for frame in batch:
            if frame.kind == "open" and not frame.erased:
                return OpenStatement.model_validate_json(frame.payload or b"{}")
    return None


def handshake(
    opened: OpenStatement | None, target: str | None = None, model: str | None = None
) -> tuple[str, list[Header], list[str]]:
    """Return target, headers and subprotocols for driving: the recorded ones, less credentials and redacted values.

    Args:
        opened: the recorded handshake; None where an import had none.
        target: path and query in place of the recorded ones.
        model: model in place of the one in the query.
    """
    request = opened.request if opened is not None else None
    recorded = request.headers if request is not None else []
    wanted = target or (request.target if request is not None else None) or DEFAULT_TARGET
    headers = [
        (name, value)
        for name, value in recorded
        if name.lower() not in _NOT_SENT and not name.lower().startswith("sec-websocket-") and REDACTED not in value
    ]
    subprotocols = [
        stripped
        for name, value in recorded
        if name.lower() == "sec-websocket-protocol"
        for part in value.split(",")
        if (stripped := part.strip()) and REDACTED not in stripped
    ]
    return _target(wanted, model), headers, subprotocols


def _target(target: str, model: str | None) -> str:
    split = urlsplit(target)
    pairs = [(key, value) for key, value in parse_qsl(split.query, keep_blank_values=True) if REDACTED not in value]
    if model is not None:
        named = {key for key, _ in pairs} & {*MODEL_PARAMETERS} or {MODEL_PARAMETERS[0]}
        pairs = [(key, value) for key, value in pairs if key not in named]
        pairs += [(key, model) for key in sorted(named)]
    query = "&".join(f"{quote(key, safe='')}={quote(value, safe=':/')}" for key, value in pairs)
    return split.path + (f"?{query}" if query else "")


# Some of the turns


class Prefix:
    """The beginning of a recording.

    Args:
        recording: the whole.
        stop: seq of the first frame that does not belong to it.
    """

    def __init__(self, recording: Recording, stop: int) -> None:
        self._recording = recording
        self._stop = stop
        self.info: SessionInfo = replace(recording.info, frames=stop, close_code=None)

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop``, as far as they belong to the beginning."""
        end = self._stop if stop is None else min(stop, self._stop)
        async for batch in self._recording.batches(start, end):
            yield batch


async def first_turns(recording: Recording, turns: int) -> Recording:
    """Return a recording's beginning: the user's first N turns and what answered them.

    It is the whole where there are no more turns, and else ends behind the last ``response.done`` before the user's
    next turn.

    Raises:
        RequestError: N is below 1.
    """
    if turns < 1:
        raise RequestError(f"Cannot play {turns} turns.", hint="Give 1 or more.")
    conversation = await fold_recording(recording)
    begins = [item.first_seq for item in conversation.items if item.role == "user"]
    if turns >= len(begins):
        return recording
    done = [response.done_seq for response in conversation.responses if response.done_seq is not None]
    done.sort()
    before = bisect_right(done, begins[turns])
    if not before:
        return Prefix(recording, begins[turns])
    return Prefix(recording, await _behind(recording, done[before - 1], begins[turns]))


async def _behind(recording: Recording, seq: int, limit: int) -> int:
    """Return where the server's frames that belong to a ``response.done`` end: before the client speaks again."""
    async for batch in recording.batches(seq + 1, limit):
        for frame in batch:
            if frame.sender != "server" or canonical_type(frame.type or "") == "input_audio_buffer.speech_started":
                return frame.seq
    return limit
