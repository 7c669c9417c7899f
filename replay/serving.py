"""Serve recordings to a client under test: the one call that the command, the pytest plugin and users share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from ..schemas.errors import RequestError
from ..schemas.recording import Recording
from .faults import Fault, parse_fault
from .idmap import IdMode
from .matching import MatchPolicy
from .pacing import parse_speed
from .server import ReplayServer, ServeOptions

__all__ = ["Mode", "ReplayServer", "policy_of", "serve"]

Mode = Literal["strict", "lenient", "off"]


@asynccontextmanager
async def serve(
    recordings: Recording | Sequence[Recording],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float | str = "max",
    match: MatchPolicy | Mode | None = None,
    ids: IdMode = "map",
    timeout: float = 30.0,  # noqa: ASYNC109  # a bound for the client's silence, not for this call
    faults: Sequence[Fault | str] = (),
    repeat: bool = False,
) -> AsyncGenerator[ReplayServer, None]:
    """Serve recordings as the vendor would, to clients that connect to :attr:`ReplayServer.url`.

    Args:
        recordings: one session, or several to be handed out one after the other.
        host: address to listen on.
        port: 0 picks a free one.
        speed: recorded seconds per second, or ``max`` for no waiting at all.
        match: a policy, or its mode alone; None for the recording's own, which is strict where it says nothing.
        ids: ``map`` puts ids that the client chose into the frames that echo them; ``fresh`` makes server ids anew for
            each connection; ``asis`` changes nothing.
        timeout: seconds for which a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose, as in :mod:`.faults`.
        repeat: begin again when all sessions have been played.

    Raises:
        ListenFailed: the address cannot be had.
        RequestError: a speed or fault is none, or there is nothing to serve.
    """
    several = list(recordings) if isinstance(recordings, Sequence) else [recordings]
    if not several:
        raise RequestError("there is no recording to serve.")
    options = ServeOptions(
        host=host,
        port=port,
        speed=parse_speed(speed) if isinstance(speed, str) else speed,
        policy=policy_of(match),
        ids=ids,
        timeout=timeout,
        faults=[parse_fault(fault) if isinstance(fault, str) else fault for fault in faults],
        repeat=repeat,
    )
    server = ReplayServer(several, options)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose()


def policy_of(match: MatchPolicy | Mode | None) -> MatchPolicy:
    """Give the policy that a user names: a policy, its mode alone, or nothing of his own."""
    if match is None:
        return MatchPolicy()
    return match if isinstance(match, MatchPolicy) else MatchPolicy(mode=match)
