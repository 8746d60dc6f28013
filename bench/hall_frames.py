"""What a seat map costs the browser: frames a second and the longest task while seats change, beside the idle page.

`python -m bench.hall_frames [--halls 600 2000] [--widths 390 1440] [--slower 1 4] [--seconds 5] [--rounds 3]`: headless
Chromium without a GPU, the page of a running server. The page's socket is replaced by one that makes the changes in
the page, so that neither server nor network takes part: 20 single changes a second, then 20 frames of ten seats each.
`--slower 4` is Chromium's own throttling of the main thread. Run it on two versions alternately to compare them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.front_page import set_up
from bench.support.chromium import FLAGS, find_chromium
from bench.support.servers import start_server
from bench.support.tables import print_table, spread_of

HEIGHTS = {390: 844}  # of the window, by its width; others 900
ROWS = {600: 24, 2000: 40, 10000: 80}
LOADS = {"idle": 0, "20 changes/s": 1, "20 frames of 10/s": 10}
# A socket that is live at once, and `window.changes(seats)`, which starts to change that many seats 20 times a second.
SOCKET = """() => {
  let socket = null;
  class Bench extends EventTarget {
    constructor() {
      super();
      this.readyState = 1;
      socket = this;
      const { epoch, version, state } = document.querySelector('seat-map').dataset;
      window.seatState = { v: Number(version), letters: [...state] };
      const hello = { type: 'hello', epoch, v: Number(version), n: state.length, heartbeat: 1e6, spread: 1e3 };
      queueMicrotask(() => this.say(hello));
    }
    say(frame) { this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) })); }
    send() {}
    close() {}
  }
  Object.assign(Bench, { OPEN: 1 });
  window.WebSocket = Bench;
  const next = { A: 'L', L: 'B', B: 'A', X: 'X' };
  let number = 0;
  window.changes = (count) => {
    clearInterval(window.changing);
    if (count) window.changing = setInterval(() => {
      const { letters } = window.seatState;
      const seats = {};
      for (let n = 0; n < count; n += 1) {
        const i = (number += 7919) % letters.length;
        letters[i] = next[letters[i]];
        (seats[letters[i]] ??= []).push(i);
      }
      socket.say({ type: 'delta', from: window.seatState.v, v: (window.seatState.v += 1), seats });
    }, 50);
  };
}"""
MEASURE = """async (ms) => {
  let [frames, longest] = [0, 0];
  const tasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  tasks.observe({ type: 'longtask' });
  const begun = performance.now();
  await new Promise((done) => {
    const count = (now) => { frames += 1; now - begun < ms ? requestAnimationFrame(count) : done(); };
    requestAnimationFrame(count);
  });
  const seconds = (performance.now() - begun) / 1000;
  await new Promise((done) => setTimeout(done, 100)); // the last task is reported after it has ended
  tasks.disconnect();
  return { rate: frames / seconds, longest };
}"""
ZOOM = """async () => {
  const found = { longest: 0 };
  const tasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) found.longest = Math.max(found.longest, duration);
  });
  tasks.observe({ type: 'longtask' });
  document.querySelector('[data-zoom-by="in"]').click();
  await new Promise((done) => setTimeout(done, 1500));
  tasks.disconnect();
  return found;
}"""


def make_halls(sizes: Iterable[int]) -> dict[int, str]:
    """The path of a showtime in a bent hall of each size, rows of 25 and more."""
    from bench.support.factories import make_plan, make_showtime
    from cinema.models import Seat

    paths = {}
    for size in sizes:
        rows = ROWS.get(size, 20)
        plan = make_plan(rows, size // rows)
        seats = list(plan.seats.all())
        for seat in seats:
            aside = seat.x - plan.width / 2
            seat.y += 0.01 * aside * aside * (-1)
            seat.turn = -1.1 * aside
        Seat.objects.bulk_update(seats, ["y", "turn"], batch_size=500)
        paths[size] = make_showtime(plan).get_absolute_url()
    return paths


def open_page(browser: Browser, url: str, width: int, slower: int) -> tuple[Page, CDPSession]:
    context = browser.new_context(viewport={"width": width, "height": HEIGHTS.get(width, 900)}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(120_000)  # a large hall on a slow machine
    page.add_init_script(f"({SOCKET})()")
    page.goto(url)
    page.locator('#live[data-state="live"]').wait_for()
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1_000)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    return page, session


def metrics(session: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def measure(page: Page, session: CDPSession, seats: int, seconds: float) -> dict[str, float]:
    """Frames a second, the longest task (ms), and the share of the main thread that tasks take, over `seconds`."""
    page.evaluate("(seats) => window.changes(seats)", seats)
    page.wait_for_timeout(500)
    before = metrics(session)
    found: dict[str, float] = page.evaluate(MEASURE, seconds * 1000)
    after = metrics(session)
    spent = after["TaskDuration"] - before["TaskDuration"]
    found["busy"] = 100 * spent / (after["Timestamp"] - before["Timestamp"])
    page.evaluate("() => window.changes(0)")
    page.wait_for_timeout(1_500)
    return found


def zoom(page: Page, session: CDPSession) -> dict[str, float]:
    """One press of "+": the longest task (ms), layouts, and the time of all tasks (ms)."""
    before = metrics(session)
    found: dict[str, float] = page.evaluate(ZOOM)
    after = metrics(session)
    found["layouts"] = after["LayoutCount"] - before["LayoutCount"]
    found["spent"] = 1000 * (after["TaskDuration"] - before["TaskDuration"])
    return found


def task(values: list[float]) -> str:
    """The median (lowest-highest) of longest tasks; the browser reports none below 50 ms."""
    return "< 50" if max(values) == 0 else spread_of(values, "{:.0f}").replace("0 (0-", "< 50 (0-")


def rows_of(name: list[str], found: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    idle = statistics.median(one["rate"] for one in found["idle"])
    return [
        [
            *name,
            load,
            spread_of([one["rate"] for one in runs], "{:.0f}"),
            f"{statistics.median(one['rate'] for one in runs) / idle:.2f}",
            task([one["longest"] for one in runs]),
            spread_of([one["busy"] for one in runs], "{:.0f}"),
        ]
        for load, runs in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hall_frames", description=__doc__)
    parser.add_argument("--halls", type=int, nargs="+", default=[600, 2000])
    parser.add_argument("--widths", type=int, nargs="+", default=[390, 1440])
    parser.add_argument("--slower", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    frames: list[list[str]] = []
    zooms: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="bookmyseat-bench-") as folder, sync_playwright() as playwright:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright has a loop in this thread
        set_up(Path(folder))
        paths = make_halls(options.halls)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        with start_server(DATA_DIR=folder, RATE_LIMITS=0) as server:
            for size, path in paths.items():
                for width in options.widths:
                    for slower in options.slower:
                        name = [str(size), str(width), f"{slower}x"]
                        found: dict[str, list[dict[str, Any]]] = {load: [] for load in LOADS}
                        steps = []
                        for _ in range(options.rounds):
                            page, session = open_page(browser, server.url + path, width, slower)
                            for load, seats in LOADS.items():
                                found[load].append(measure(page, session, seats, options.seconds))
                            steps.append(zoom(page, session))
                            page.context.close()
                        frames += rows_of(name, found)
                        zooms.append([*name, task([one["longest"] for one in steps]),
                                      spread_of([one["spent"] for one in steps], "{:.0f}"),
                                      spread_of([one["layouts"] for one in steps], "{:.0f}")])  # fmt: skip
                        print(frames[-2], frames[-1], zooms[-1], flush=True)
        browser.close()
    print(f"Load of the machine: {', '.join(f'{one:.1f}' for one in os.getloadavg())}")
    print_table(["seats", "width", "slower", "load", "frames/s", "of idle", "longest task ms", "main thread %"], frames)
    print_table(["seats", "width", "slower", '"+": longest task ms', "all tasks ms", "layouts"], zooms)


if __name__ == "__main__":
    main()
