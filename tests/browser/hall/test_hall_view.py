"""The arithmetic of `hall-view.js`, in Chromium: golden vectors, and random halls, windows and spots."""

import random

import pytest

PLAN, FIT, WINDOW = [30, 20], [0, 0, 30, 20], [308, 500]
VECTORS = {
    "the narrower side decides": ("pitchToFit", [FIT, WINDOW], 10),
    "the lower side decides": ("pitchToFit", [[0, 0, 10, 20], WINDOW], 24.6),
    "a window without room": ("pitchToFit", [FIT, [0, 0]], 1),
    "steps at most double, by way of a finger's size": ("stepsFrom", [12], [12, 24, 48, 76]),
    "steps of a hall that is already large": ("stepsFrom", [60], [60, 96]),
    "one step in": ("stepped", [[12, 24, 48, 76], 12, "in"], 24),
    "in from between two steps": ("stepped", [[12, 24, 48, 76], 30, "in"], 48),
    "in at the largest": ("stepped", [[12, 24, 48, 76], 76, "in"], 76),
    "out from between two steps": ("stepped", [[12, 24, 48, 76], 30, "out"], 24),
    "out at the smallest": ("stepped", [[12, 24, 48, 76], 12, "out"], 12),
    "to the whole": ("stepped", [[12, 24, 48, 76], 48, "fit"], 12),
    "next goes in": ("stepped", [[12, 24, 48, 76], 48, "next"], 76),
    "next from the largest goes back": ("stepped", [[12, 24, 48, 76], 76, "next"], 12),
    "a hall that fits is in the middle": (
        "extentOf", [PLAN, FIT, 10, WINDOW], {"offset": [4, 150], "size": [308, 500]}),
    "a larger hall has no room beside it": (
        "extentOf", [PLAN, FIT, 30, WINDOW], {"offset": [0, 0], "size": [900, 600]}),
    "a seat box at the left comes into the middle": (
        "extentOf", [[60, 20], [0, 0, 30, 20], 10, WINDOW], {"offset": [4, 150], "size": [604, 500]}),
    "a spot under the middle": (
        "scrollFor", [{"offset": [0, 0], "size": [900, 600]}, 30, WINDOW, [15, 10], [154, 250]], [296, 50]),
    "not beyond the first seat": (
        "scrollFor", [{"offset": [0, 0], "size": [900, 600]}, 30, WINDOW, [1, 1], [154, 250]], [0, 0]),
    "not beyond the last seat": (
        "scrollFor", [{"offset": [0, 0], "size": [900, 600]}, 30, WINDOW, [30, 20], [154, 250]], [592, 100]),
    "seats in view stay": ("toReveal", [[2, 2, 5, 5], [0, 0, 10, 10], 30, 10, WINDOW], None),
    "seats outside come into view": (
        "toReveal", [[12, 2, 14, 4], [0, 0, 10, 10], 30, 10, WINDOW], {"pitch": 30, "spot": [13, 3]}),
    "many seats outside make the hall smaller": (
        "toReveal", [[0, 0, 20, 4], [0, 0, 10, 10], 30, 10, WINDOW], {"pitch": 15, "spot": [10, 2]}),
    "nothing can be read": ("detailAt", [19.9], "none"),
    "letters can be read": ("detailAt", [20], "letters"),
    "short numbers can be read": ("detailAt", [30], "numbers"),
    "all numbers can be read": ("detailAt", [44], "all"),
    "half way is the geometric mean": ("pitchBetween", [10, 40, 0.5], 20),
}  # fmt: skip
RUN = """async ({ module, calls }) => {
  const view = await import(module);
  return calls.map(([name, args]) => view[name](...args));
}"""
ZOOM = """async ({ module, cases }) => {
  const { extentOf, scrollFor, spotAt } = await import(module);
  return cases.map(({ plan, fit, pitch, size, spot, point }) => {
    const extent = extentOf(plan, fit, pitch, size);
    const scroll = scrollFor(extent, pitch, size, spot, point);
    const corner = [extent.offset[0] - scroll[0], extent.offset[1] - scroll[1]];
    return { under: spotAt(corner, pitch, point), scroll, room: [extent.size[0] - size[0], extent.size[1] - size[1]] };
  });
}"""


@pytest.fixture(scope="module")
def run(server, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/")
    yield lambda script, **given: page.evaluate(script, {"module": "/static/js/hall-view.js", **given})
    context.close()


@pytest.mark.parametrize("name", VECTORS)
def test_the_view_follows_the_vector(run, name):
    function, arguments, expected = VECTORS[name]
    (answer,) = run(RUN, calls=[[function, arguments]])
    if isinstance(expected, dict):
        assert answer.keys() == expected.keys()
        assert all(answer[key] == pytest.approx(expected[key]) for key in expected)
    else:
        assert answer == (expected if isinstance(expected, str | None) else pytest.approx(expected))


def random_case():
    plan = [random.uniform(5, 90), random.uniform(5, 60)]
    size = [random.uniform(200, 1500), random.uniform(150, 1100)]
    left, top = (random.uniform(0, side * 0.4) for side in plan)
    fit = [left, top, random.uniform(plan[0] * 0.6, plan[0]), random.uniform(plan[1] * 0.6, plan[1])]
    spot, point = ([random.uniform(0, most) for most in sides] for sides in (plan, size))
    return {"plan": plan, "fit": fit, "pitch": random.uniform(3, 80), "size": size, "spot": spot, "point": point}


def test_a_spot_stays_under_the_finger_unless_the_hall_would_leave_the_window(run):
    cases = [random_case() for _ in range(2000)]
    answers = run(ZOOM, cases=cases)
    for case, answer in zip(cases, answers, strict=True):
        for axis in (0, 1):
            scroll, room = answer["scroll"][axis], answer["room"][axis]
            assert room >= -1e-6 and -1e-6 <= scroll <= room + 1e-6, case
            if 0 < scroll < room:
                assert answer["under"][axis] == pytest.approx(case["spot"][axis], abs=1e-6), case
    assert any(0 < answer["scroll"][0] < answer["room"][0] for answer in answers)
