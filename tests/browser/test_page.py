"""The page in a real browser: it plays, jumps, follows, asks the network for nothing, and can be used by everyone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.page import page as page_of
from earwitness.schemas.recording import Recording

from tests.browser.browser import FLAGS, executable, needs_browser
from tests.sessions import Call

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

pytestmark = needs_browser

HOSTILE = "</span></p><script>window.hurt=1</script><img src=x onerror=window.hurt=2><b onclick=window.hurt=3>B</b>"


def write(recording: Recording, target: Path, **options: Any) -> str:
    """Write the page; a thread of its own, since playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(lambda: asyncio.run(page_of(recording, **options))).result()
    target.write_text(text, encoding="utf-8", newline="")
    return target.as_uri()


def hostile() -> Recording:
    """A call in which every string that can reach the page tries to break out of its place."""
    call = Call(id=HOSTILE)
    call.user(500, 1500, HOSTILE)
    call.at(2000).tool(HOSTILE, json.dumps({"x": HOSTILE}), json.dumps([HOSTILE]))
    call.at(2500).assistant(2000, f"Well. {HOSTILE} {{{{ 7 * 7 }}}} <!-- \u2028 ]]> <style>*{{display:none}}</style>")
    call.at(6000).typed(HOSTILE, role="system")
    call.at(6.1).server("error", error={"type": HOSTILE, "code": HOSTILE, "message": HOSTILE})
    call.at(6.2).server(f"vendor.{HOSTILE}")
    recording = call.recording()
    labels = {"title": HOSTILE, HOSTILE: HOSTILE}
    recording.info = replace(
        recording.info, labels=labels, links={HOSTILE: HOSTILE}, upstream=HOSTILE, target=HOSTILE, model=HOSTILE
    )
    return recording


@dataclass
class Opened:
    """A page that is open, with everything that it complained of or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def sound(self, what: str) -> Any:
        return self.page.evaluate(f"document.getElementById('sound').{what}")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true.

        Playwright's own ``wait_for_function`` needs ``eval``, which the page's policy forbids.
        """
        self.page.evaluate(
            """() => new Promise((done, failed) => {
                const late = setTimeout(() => failed(new Error("never true: CONDITION")), 20000);
                const look = () => (CONDITION) ? (clearTimeout(late), done()) : requestAnimationFrame(look);
                look();
            })""".replace("CONDITION", condition)
        )

    def slow_down(self) -> None:
        """Play so slowly that a busy machine misses nothing."""
        self.page.evaluate("sound.playbackRate = sound.defaultPlaybackRate = 0.0625")

    def at(self, low: float, high: float) -> None:
        """Wait until the sound is between two times."""
        self.until(f"{low} <= sound.currentTime && sound.currentTime <= {high}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=executable(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(bundled_recording(), tmp_path_factory.mktemp("page") / "call.html")


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    contexts: list[Any] = []

    def open_(url: str, **options: Any) -> Opened:
        context = browser.new_context(**({"viewport": {"width": 1000, "height": 800}} | options))
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(url)
        return opened

    yield open_
    for context in contexts:
        context.close()


def network(opened: Opened) -> list[str]:
    return [url for url in opened.requests if not url.startswith(("file:", "data:"))]


def test_it_plays_to_its_end_with_no_network_and_no_complaint(open_page: Any, call: str) -> None:
    opened = open_page(call)
    assert opened.sound("duration") == pytest.approx(29.484, abs=0.01)
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.until("sound.currentTime > 0.3")
    assert opened.page.get_by_role("button", name="Pause").is_visible()
    opened.page.evaluate("document.getElementById('sound').currentTime = 29.2")
    opened.until("sound.ended")
    opened.page.get_by_role("button", name="Play", exact=True).wait_for()
    assert network(opened) == []
    assert [url for url in opened.requests if url.startswith("file:")] == [call]
    assert opened.complaints == []


def test_a_click_on_a_sentence_plays_from_there_and_lights_it_up(open_page: Any, call: str) -> None:
    opened = open_page(call)
    opened.slow_down()
    sentence = opened.page.get_by_text("When does the rain start?")
    start = int(sentence.get_attribute("data-start")) / 1000
    sentence.click()
    opened.at(start, start + 1.5)
    assert not opened.sound("paused")
    opened.page.locator(".s.on", has_text="When does the rain start?").wait_for()
    turn = opened.page.locator("[aria-current=true]", has_text="When does the rain start?")
    assert turn.count() == 1


def test_marking_words_to_copy_them_does_not_jump(open_page: Any, call: str) -> None:
    opened = open_page(call)
    sentence = opened.page.get_by_text("When does the rain start?")
    sentence.dblclick()
    opened.page.evaluate("document.getElementById('sound').pause()")
    before = opened.sound("currentTime")
    opened.page.evaluate("s => { getSelection().selectAllChildren(s); s.click(); }", sentence.element_handle())
    assert opened.sound("currentTime") == before
    assert opened.sound("paused")


def test_the_transcript_follows_the_sound_until_the_reader_scrolls(open_page: Any, call: str) -> None:
    opened = open_page(call, viewport={"width": 390, "height": 600}, reduced_motion="reduce")
    last = opened.page.locator(".turn", has_text="On Sunday, the rain starts")
    assert last.get_attribute("id") == "t6"
    assert last.evaluate("e => e.getBoundingClientRect().top") > 600
    opened.slow_down()
    opened.page.evaluate("document.getElementById('sound').currentTime = 20.5")
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.until("(b => b.top >= 0 && b.top < innerHeight)(t6.getBoundingClientRect())")
    follow = opened.page.get_by_role("checkbox", name="Follow")
    assert follow.is_checked()
    opened.page.mouse.wheel(0, -400)
    opened.until("!follow.checked")


def test_cut_words_are_marked_where_they_were_cut_and_what_nobody_heard_does_not_light_up(
    open_page: Any, call: str
) -> None:
    opened = open_page(call)
    turn = opened.page.locator(".turn", has_text="Saturday will be sunny")
    assert turn.locator(".cutmark").inner_text() == "cut off at 0:16.0, 5.25 s of 9.00 s heard"
    assert "starts dry and mild" in turn.locator(".rest").inner_text()
    assert turn.locator(".rest [data-start]").count() == 0
    assert opened.page.locator(".turn", has_text="Sorry, just Sunday").locator(".chip.cut").inner_text() == "cuts in"


def test_everything_works_by_keyboard(open_page: Any, call: str) -> None:
    opened = open_page(call)
    opened.slow_down()
    press = opened.page.keyboard.press
    press("Tab")
    press("Enter")
    assert opened.page.evaluate("document.activeElement.id") == "transcript"
    opened.page.evaluate("document.activeElement.blur()")
    press("ArrowRight")
    opened.at(5, 5.1)
    press("Space")
    opened.until("!sound.paused")
    press("Space")
    opened.until("sound.paused")
    slider = opened.page.get_by_role("slider", name="Position")
    slider.focus()
    press("PageUp")
    assert slider.get_attribute("aria-valuetext").startswith("0:29 of 0:29")
    press("ArrowLeft")
    press("ArrowLeft")
    opened.at(19, 20)
    assert slider.get_attribute("aria-valuetext") == "0:19 of 0:29, User"
    opened.page.get_by_role("button", name="Play from 0:20.3").first.focus()
    press("Enter")
    opened.until("!sound.paused")
    opened.at(20.3, 22)
    opened.page.locator("summary").first.focus()
    press("Enter")
    table = opened.page.locator("details.behind table").first
    assert table.is_visible()
    assert "conversation.item.input_audio_transcription.completed" in table.inner_text()


def test_dragging_on_the_waveform_seeks(open_page: Any, call: str) -> None:
    opened = open_page(call)
    box = opened.page.locator("#seek").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.at(14.6, 14.9)
    head = float(opened.page.locator("#head").get_attribute("x1").rstrip("%"))
    assert head == pytest.approx(50, abs=0.3)


def test_what_was_said_is_text_and_never_code(open_page: Any, tmp_path: Path) -> None:
    opened = open_page(write(hostile(), tmp_path / "hostile.html"))
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.until("sound.currentTime > 0.2")
    assert opened.page.evaluate("window.hurt") is None
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("img, b, main style").count() == 0
    assert opened.page.locator("h1").inner_text() == HOSTILE
    assert "{{ 7 * 7 }}" in opened.page.locator(".turn.assistant .words").inner_text()
    assert HOSTILE in opened.page.locator(".tool .fn").inner_text()
    assert network(opened) == []
    assert opened.complaints == []


def test_the_policy_stops_what_does_not_belong_to_the_page(open_page: Any, call: str, tmp_path: Path) -> None:
    text = Path(call.removeprefix("file://")).read_text(encoding="utf-8")
    foreign = '<script>window.hurt=1</script><img src="https://example.invalid/x.png"><p style="color:red" id="p">x</p>'
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("</main>", f"{foreign}</main>"), encoding="utf-8")
    opened = open_page(changed.as_uri())
    assert opened.page.evaluate("window.hurt") is None
    assert opened.page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert sum("Content Security Policy" in text for text in opened.complaints) >= 3


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1000)])
def test_axe_finds_nothing_to_complain_about(open_page: Any, call: str, scheme: str, width: int) -> None:
    opened = open_page(
        call, color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True, reduced_motion="reduce"
    )
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    # Lit up, as while it plays: colours of their own.
    opened.page.evaluate("document.getElementById('sound').currentTime = 13")
    opened.page.locator(".s.on").wait_for()
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.Axe().run(opened.page, options={"runOnly": rules})
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found.response["violations"]] == []
    assert len(found.response["passes"]) > 15


def test_nothing_is_wider_than_a_phone(open_page: Any, call: str) -> None:
    opened = open_page(call, viewport={"width": 320, "height": 640})
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 320


def test_on_paper_nothing_is_hidden_behind_a_scrollbar(open_page: Any, tmp_path: Path) -> None:
    script = Call()
    script.user(1000000, 2000000, "List them all.")
    script.at(3000).tool("list", json.dumps({f"entry {number}": "x" * 80 for number in range(60)}), "{}")
    opened = open_page(write(script.recording(), tmp_path / "long.html"))
    hidden = "document.querySelector('pre').scrollHeight - document.querySelector('pre').clientHeight"
    assert opened.page.evaluate(hidden) > 100
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate(hidden) == 0


def test_without_scripts_there_are_the_browsers_own_controls_and_the_words(open_page: Any, call: str) -> None:
    opened = open_page(call, java_script_enabled=False)
    assert opened.page.locator("audio[controls]").is_visible()
    assert not opened.page.locator("#controls").is_visible()
    assert opened.page.get_by_text("When does the rain start?").is_visible()


def test_a_call_without_sound_is_a_page_without_a_player(open_page: Any, tmp_path: Path) -> None:
    script = Call()
    script.user(1000000, 2000000, "Is anybody there?", sound=False)
    script.at(3000).typed("Yes.", role="assistant")
    opened = open_page(write(script.recording(), tmp_path / "silent.html"))
    assert opened.page.locator("audio, script, button").count() == 0
    assert opened.page.locator(".drawing rect.user").count() == 1
    assert opened.page.get_by_text("Is anybody there?").is_visible()
    assert opened.complaints == []


@pytest.mark.parametrize("sound", ["wav", "flac", "ogg"])
def test_every_encoding_plays_and_seeks_exactly(open_page: Any, tmp_path: Path, sound: str) -> None:
    opened = open_page(write(bundled_recording(), tmp_path / f"{sound}.html", sound=sound))
    assert opened.sound("duration") == pytest.approx(29.484, abs=0.05)
    opened.slow_down()
    opened.page.get_by_role("button", name="Play from 0:20.3").first.click()
    opened.at(20.3, 22)
    assert opened.complaints == []
