"""Run every benchmark, one after the other: ``python -m bench``."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("journal", "fold", "audio", "replay", "proxy")

for name in NAMES:
    print(f"\n== python -m bench.{name}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)
