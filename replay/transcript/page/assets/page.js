"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const audio = byId("sound");
  const play = byId("play");
  const seek = byId("seek");
  const now = byId("now");
  const until = byId("until");
  const head = byId("head");
  const follow = byId("follow");
  const speed = byId("speed");
  const silent = byId("silent");
  const length = Number(seek.max);
  const bars = until.ownerSVGElement.viewBox.baseVal.width;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** What lights up while it is spoken: sentences, and the turns that they stand in. */
  const timed = Array.from(document.querySelectorAll("[data-start]"), (element) => ({
    element,
    start: Number(element.dataset.start),
    end: Number(element.dataset.end),
    turn: element.classList.contains("turn"),
    on: false,
  }));
  const turns = timed.filter((each) => each.turn);

  // The browser's own controls are for readers without scripts.
  document.documentElement.classList.add("js");
  audio.controls = false;
  byId("controls").hidden = false;
  seek.hidden = false;

  const clock = (ms, tenths) => {
    const whole = Math.floor(ms / 1000);
    const two = (value) => String(value).padStart(2, "0");
    const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const text = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
    return tenths ? `${text}.${Math.floor(ms / 100) % 10}` : text;
  };

  const speaking = (ms) =>
    turns
      .filter((each) => each.start <= ms && ms < each.end)
      .map((each) => each.element.querySelector(".name").textContent)
      .join(" and ");

  let shown = null;
  let told = -1;

  /** Bring everything that depends on the position up to date. */
  const update = () => {
    const ms = Math.min(audio.currentTime * 1000, length);
    const share = length ? ms / length : 0;
    until.setAttribute("width", String(share * bars));
    head.setAttribute("x1", `${share * 100}%`);
    head.setAttribute("x2", `${share * 100}%`);
    now.textContent = clock(ms, true);
    seek.value = String(Math.round(ms));
    // A screen reader would read every change aloud: it gets whole seconds.
    const second = Math.floor(ms / 1000);
    if (second !== told) {
      told = second;
      const who = speaking(ms);
      seek.setAttribute("aria-valuetext", `${clock(ms, false)} of ${clock(length, false)}${who ? `, ${who}` : ""}`);
    }
    for (const each of timed) {
      const on = each.start <= ms && ms < each.end;
      if (on !== each.on) {
        each.on = on;
        each.element.classList.toggle("on", on);
        if (each.turn) {
          if (on) each.element.setAttribute("aria-current", "true");
          else each.element.removeAttribute("aria-current");
        }
      }
    }
    const last = turns.findLast((each) => each.on);
    if (last && last.element !== shown) {
      shown = last.element;
      if (follow.checked && !audio.paused) bring(shown);
    }
  };

  /** Scroll a turn into sight, below the player, unless it is. */
  const bring = (element) => {
    const top = element.getBoundingClientRect().top;
    const player = document.querySelector(".player").getBoundingClientRect().bottom;
    if (top > player && element.getBoundingClientRect().bottom < innerHeight) return;
    scrollBy({ top: top - player - 12, behavior: calm.matches ? "auto" : "smooth" });
  };

  const run = () => {
    update();
    if (!audio.paused) requestAnimationFrame(run);
  };

  const failed = () => {
    silent.textContent =
      "This browser cannot play the sound in this page. A current version of Chrome, Edge, Firefox or Safari can.";
    silent.hidden = false;
  };

  const start = () => audio.play().catch((error) => error.name === "NotSupportedError" && failed());
  const toggle = () => (audio.paused ? start() : audio.pause());

  const jump = (ms) => {
    audio.currentTime = ms / 1000;
    shown = null;
    update();
    start();
  };

  audio.addEventListener("play", () => {
    document.body.classList.add("playing");
    play.setAttribute("aria-label", "Pause");
    shown = null;
    run();
  });
  audio.addEventListener("pause", () => {
    document.body.classList.remove("playing");
    play.setAttribute("aria-label", "Play");
    update();
  });
  audio.addEventListener("seeked", update);
  audio.addEventListener("error", failed);
  play.addEventListener("click", toggle);
  speed.addEventListener("change", () => {
    audio.playbackRate = Number(speed.value);
  });
  follow.addEventListener("change", () => {
    if (follow.checked && shown) bring(shown);
  });

  seek.addEventListener("input", () => {
    audio.currentTime = Number(seek.value) / 1000;
    update();
  });
  const steps = { ArrowRight: 5000, ArrowUp: 5000, ArrowLeft: -5000, ArrowDown: -5000, PageUp: 30000, PageDown: -30000 };
  const step = (key) => {
    audio.currentTime = Math.min(Math.max(audio.currentTime * 1000 + steps[key], 0), length) / 1000;
    update();
  };
  seek.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in steps) {
      event.preventDefault();
      step(event.key);
    } else if (event.key === " ") {
      event.preventDefault();
      toggle();
    }
  });
  document.addEventListener("keydown", (event) => {
    // Only where nothing has the focus: elsewhere these keys have a meaning of their own.
    if (event.target !== document.body || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      step(event.key);
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-jump]");
    if (button) {
      jump(Number(button.dataset.jump));
      return;
    }
    const sentence = event.target.closest(".s");
    // Whoever marks text to copy it does not want to jump.
    if (sentence && getSelection().isCollapsed) jump(Number(sentence.dataset.start));
  });

  // Who scrolls by hand looks at something else: following would take it away.
  const letGo = () => {
    if (!audio.paused) follow.checked = false;
  };
  addEventListener("wheel", letGo, { passive: true });
  addEventListener("touchmove", (event) => event.target !== seek && letGo(), { passive: true });

  update();
})();
