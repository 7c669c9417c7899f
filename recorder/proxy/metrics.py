"""Counts of the proxy, and their exposition for Prometheus.

The relay counts in plain integers; they become metrics when somebody asks. Nothing here costs anything per frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..journal import Journal
from ..relay.closing import SIDES
from ..relay.tap import Traffic

__all__ = ["ProxyCounts", "exposition"]


@dataclass(slots=True)
class ProxyCounts:
    """What a proxy has counted since it began.

    Attributes:
        handshakes: HTTP status given to clients, and whose it was (``upstream`` or ``proxy``).
        closes: close code of ended sessions, and who closed first.
        ended: traffic of the sessions that have ended.
        running: traffic of those that have not; each session's own object, counted on the fly.
    """

    handshakes: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])
    closes: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])
    ended: Traffic = field(default_factory=Traffic)
    running: list[Traffic] = field(default_factory=list[Traffic])

    def total(self) -> Traffic:
        """Traffic of all sessions."""
        total = Traffic()
        for traffic in (self.ended, *self.running):
            total.add(traffic)
        return total

    def close(self, traffic: Traffic, code: int, by: str) -> None:
        """Count a session that has ended."""
        self.closes[code, by] += 1
        self.running.remove(traffic)
        self.ended.add(traffic)


class _Collector(Collector):
    def __init__(self, counts: ProxyCounts, journal: Journal, sessions: int) -> None:
        self._counts, self._journal, self._sessions = counts, journal, sessions

    def collect(self) -> Iterable[Metric]:
        yield from _of_proxy(self._counts, self._sessions)
        yield from _of_journal(self._journal)


def _of_proxy(counts: ProxyCounts, sessions: int) -> Iterator[Metric]:
    yield _gauge("sessions", "Sessions that are being recorded.", sessions)
    handshakes = CounterMetricFamily(
        "earwitness_handshakes", "Answers to clients' handshakes.", labels=["status", "origin"]
    )
    for (status, origin), count in sorted(counts.handshakes.items()):
        handshakes.add_metric([str(status), origin], count)
    yield handshakes
    closes = CounterMetricFamily(
        "earwitness_closes", "Sessions that have ended, by close code and who closed first.", labels=["code", "by"]
    )
    for (code, by), count in sorted(counts.closes.items()):
        closes.add_metric([str(code), by], count)
    yield closes
    total = counts.total()
    frames = CounterMetricFamily("earwitness_frames", "Messages relayed and recorded.", labels=["sender"])
    size = CounterMetricFamily("earwitness_frame_bytes", "Their bytes.", labels=["sender"])
    for side in SIDES:
        frames.add_metric([side], total.frames[side])
        size.add_metric([side], total.bytes[side])
    yield frames
    yield size


def _of_journal(journal: Journal) -> Iterator[Metric]:
    stats = journal.stats
    yield _gauge("backlog_bytes", "Bytes taken but not yet committed.", journal.backlog_bytes)
    yield _gauge("backlog_age_seconds", "Time that the oldest of them has waited.", journal.backlog_age)
    yield _gauge("store_up", "1 while the store takes records, else 0.", float(journal.failure is None))
    yield _gauge("last_commit_seconds", "Duration of the last commit.", stats.last_commit_seconds)
    yield _counter("records", "Records committed.", stats.frames)
    yield _counter("record_bytes", "Their payloads' bytes.", stats.bytes)
    yield _counter("stored_bytes", "The same as stored, compressed.", stats.stored_bytes)
    yield _counter("commits", "Commits.", stats.commits)
    yield _counter("commit_seconds", "Time spent in them.", stats.commit_seconds)
    yield _counter("store_failures", "Writes that the store refused.", stats.failures)
    yield _counter("gaps", "Gap records written.", stats.gaps)
    yield _counter("gap_frames", "Messages that they stand for.", stats.gap_frames)
    yield _counter("gap_bytes", "Those messages' bytes.", stats.gap_bytes)
    yield _counter("pauses", "Times that the backlog slowed the relay.", stats.pauses)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"earwitness_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"earwitness_{name}", text, value=value)


def exposition(counts: ProxyCounts, journal: Journal, sessions: int) -> bytes:
    """Return all metrics in the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(counts, journal, sessions))
    return generate_latest(registry)
