"""Install and run other programs that could be used instead of the proxy, to measure them beside it.

Each gets a virtual environment of its own, with the interpreter that runs the benchmark, in
``$XDG_CACHE_HOME/earwitness-bench`` (``~/.cache`` by default); delete the folder to install them again. They run with
almost no environment variables and a home folder of their own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["OTHERS", "Other", "Unavailable", "install", "launch"]

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earwitness-bench"
START_SECONDS = 90


class Unavailable(Exception):
    """A program that cannot be measured on this machine; the text says why."""


@dataclass(frozen=True)
class Other:
    """A program from a package registry.

    Attributes:
        requirements: what pip installs.
        distribution: the package whose version is reported.
        what: what it does with the messages, for readers who compare its figures with ours.
        command: makes its command line from the upstream's port, its own port and a folder for its files. The first
            word is looked up in its virtual environment. It records to files named ``bench.…``.
        environment: environment variables that it needs.
    """

    requirements: tuple[str, ...]
    distribution: str
    what: str
    command: Callable[[int, int, Path], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


def _mitmdump(upstream: int, port: int, folder: Path) -> list[str]:
    return [
        *("mitmdump", "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream}"),
        *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
        *("--set", f"confdir={folder / 'own'}", "-w", str(folder / "bench.flows")),
    ]


def _litellm(upstream: int, port: int, folder: Path) -> list[str]:
    config = folder / "own" / "config.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: bench\n"
        "    litellm_params:\n"
        "      model: openai/bench\n"
        f"      api_base: http://127.0.0.1:{upstream}\n"
        "      api_key: sk-none\n"
    )
    return ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]


OTHERS = {
    "mitmdump": Other(
        ("mitmproxy>=11",),
        "mitmproxy",
        "keeps the whole session in memory and writes it when the session ends",
        _mitmdump,
    ),
    "litellm": Other(
        # Releases 1.82.7 and 1.82.8 carried malware; this is the last one from before. It hands over bytes as text,
        # which the WebSocket code of later uvicorns refuses.
        ("litellm[proxy]==1.82.6", "uvicorn<0.40"),
        "litellm",
        "parses each message, and stores none here",
        _litellm,
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_DOCS": "True"},
    ),
}


def _bin(kind: str) -> Path:
    return CACHE / f"{kind}-{sys.version_info.major}.{sys.version_info.minor}" / "bin"


def install(kind: str) -> str:
    """Install a program if it is not there yet; return its version.

    Raises:
        Unavailable: it does not install here.
    """
    other, folder = OTHERS[kind], _bin(kind).parent
    done, wanted = folder / ".requirements", "\n".join(other.requirements)
    if not done.exists() or done.read_text() != wanted:
        print(f"installing {', '.join(other.requirements)} into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            venv.create(folder, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as failure:
            raise Unavailable(f"no virtual environment: {failure}") from failure
        run = _python(folder, "-m", "pip", "install", "--quiet", "--prefer-binary", *other.requirements)
        if run.returncode != 0:
            errors = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
            raise Unavailable(f"pip: {errors[-1] if errors else run.stderr.strip()[-300:]}")
        done.write_text(wanted)
    code = f"import importlib.metadata as m; print(m.version({other.distribution!r}))"
    return _python(folder, "-c", code).stdout.strip()


def _python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / "bin" / "python", *words], capture_output=True, text=True, check=False)


async def launch(kind: str, upstream: int, folder: Path) -> tuple[asyncio.subprocess.Process, int]:
    """Start an installed program in front of the upstream; return its port once it accepts connections.

    Raises:
        Unavailable: it ended, or did not listen in time.
    """
    other, own = OTHERS[kind], folder / "own"
    own.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program, *words = other.command(upstream, port, folder)
    environment = {"PATH": f"{_bin(kind)}:/usr/bin:/bin", "HOME": str(own), "LANG": "C.UTF-8", **other.environment}
    with (own / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            _bin(kind) / program,
            *words,
            cwd=own,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _listens(port):
                if process.returncode is not None:
                    raise Unavailable(f"it ended with {process.returncode}: {_last_words(own)}")
                await asyncio.sleep(0.1)
    except TimeoutError:
        await end(process)
        raise Unavailable(f"it did not listen within {START_SECONDS} s: {_last_words(own)}") from None
    return process, port


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _last_words(own: Path) -> str:
    return " | ".join((own / "log").read_text(errors="replace").strip().splitlines()[-3:])


async def end(process: asyncio.subprocess.Process) -> None:
    """Interrupt it as a terminal would; kill it if it does not stop."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(20):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
