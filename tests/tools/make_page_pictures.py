"""Take the documentation's pictures of the page that ``earwitness transcript -o call.html`` writes.

Needs Chromium and playwright: ``python -m tests.tools.make_page_pictures``. Fonts are those of the machine.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.page import page
from playwright.sync_api import sync_playwright

from tests.browser.browser import FLAGS, executable

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


@dataclass(frozen=True)
class Shot:
    name: str
    scheme: str
    width: int
    height: int
    scale: float
    at: float
    """Seconds of the sound."""
    scroll: str = ""
    """The entry that is brought into sight, and whose records are shown."""


SHOTS = (
    Shot("page-light", "light", 960, 1010, 1.25, 9.0),
    Shot("page-dark", "dark", 960, 900, 1.25, 13.2, scroll="t4"),
    Shot("page-phone", "light", 390, 844, 1.5, 13.2, scroll="t4"),
)


def take(browser: Any, url: str, shot: Shot) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
        device_scale_factor=shot.scale,
        reduced_motion="reduce",
    )
    opened = context.new_page()
    opened.goto(url)
    opened.evaluate(
        "at => new Promise(done => { sound.onseeked = done; sound.currentTime = at; })",
        shot.at,
    )
    if shot.scroll:
        opened.evaluate(
            "id => { const turn = document.getElementById(id); if (innerWidth > 500) "
            "turn.querySelector('details').open = true; turn.scrollIntoView(); }",
            shot.scroll,
        )
    opened.locator(".s.on").wait_for()
    opened.screenshot(path=PICTURES / f"{shot.name}.png")
    context.close()


def main() -> None:
    text = asyncio.run(page(bundled_recording()))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        target = Path(folder) / "call.html"
        target.write_text(text, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=executable(), args=FLAGS)
        for shot in SHOTS:
            take(browser, target.as_uri(), shot)
        browser.close()


if __name__ == "__main__":
    main()
