"""Reads the pages of the proxy's operations port."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.recorder.harness import dial


async def get(url: str | None, path: str) -> tuple[int, bytes]:
    """Status and body of a page."""
    assert url is not None
    peer = await dial(int(url.rpartition(":")[2]), f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    body = await peer.reader.read()
    await peer.release()
    return int(peer.head.split()[1]), body


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values of an exposition by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
