"""A recording, played to a client: scripts for the player."""

from __future__ import annotations

from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.faults import parse_fault
from earwitness.replay.serve.options import Mode
from earwitness.replay.serve.plan import Plan, Planner
from earwitness.replay.serve.player import Player
from earwitness.replay.serve.report import Divergence, Report
from earwitness.schemas.recording import MemoryRecording

from tests.events import added_text, client, server, user_text
from tests.playbook import Playbook
from tests.sessions import recording


def plan_of(session: MemoryRecording) -> Plan:
    planner = Planner(session.info)
    for frame in session.frames:
        planner.apply(frame)
    return planner.plan()


def play(*lines, step_ms=None, policy: MatchPolicy | Mode = "strict", faults=(), **options) -> Playbook[Player]:
    """A recording, played to a client."""
    session = recording(*lines, step_ms=step_ms)
    policy = policy if isinstance(policy, MatchPolicy) else MatchPolicy(mode=policy)
    parsed = [parse_fault(text) for text in faults]
    return Playbook(Player(plan_of(session), policy=policy, faults=parsed, **options), session.frames)


def left(script: Playbook[Player], code: int = 1000) -> Report:
    """The report, once the client has closed."""
    script.core.closed(code)
    return script.core.report


def divergences(script: Playbook[Player]) -> list[Divergence]:
    return script.core.report.divergences


def kinds(script: Playbook[Player]) -> list[str]:
    return [each.kind for each in divergences(script)]


HELLO = (
    server("session.created"),
    user_text("hello"),
    added_text("i", "hello"),
    client("response.create"),
    server("response.created", response={"id": "r"}),
    server("response.done", response={"id": "r"}),
)
ASK = client("response.create")
