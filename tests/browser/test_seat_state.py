"""The page's seat-state module passes the same golden vectors as every other client, in Chromium."""

import json
from pathlib import Path

import pytest

from tests.report import report

CASES = json.loads((Path(__file__).parent.parent / "realtime" / "live" / "vectors.json").read_text())
RUN = """async ({ module, cases }) => {
  const { SeatState } = await import(module);
  return cases.map(({ start, frames }) => {
    const seats = new SeatState(start ?? {});
    const send = frames.flatMap((frame) => seats.receive(frame).send);
    return { epoch: seats.epoch, v: seats.v, state: seats.state, send, live: seats.live };
  });
}"""


@pytest.fixture(scope="module")
def answers(server, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/")
    shown = page.evaluate(RUN, {"module": "/static/js/seat-state.js", "cases": CASES})
    context.close()
    report("golden vectors", f"{len(shown)} cases through the page's own module in Chromium")
    return shown


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"].replace(" ", "_") for case in CASES])
def test_the_page_follows_the_vector(answers, number):
    assert answers[number] == CASES[number]["expect"]
