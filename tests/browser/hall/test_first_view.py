"""The first view of every hall shows every seat, on every screen, with the tools beside the seats and not over them."""

import json
import subprocess
import sys

import pytest

from bench.support.servers import ROOT, clean_environment
from tests.browser.hall.conftest import HALLS, SIZES
from tests.cinema.plans.plan_files import seat, write_plan

# Boxes in px: of all seats, of what is visible of the window, of the buttons; and where the basket begins.
LOOK = """() => {
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top, right, bottom];
  };
  const basket = document.querySelector('.basket').getBoundingClientRect();
  return {
    seats: [...document.querySelectorAll('.seat')].map(box),
    window: box(document.querySelector('.hall-window')),
    buttons: [...document.querySelectorAll('[data-zoom-by]')].map(box),
    basket: [basket.left, basket.top, basket.right, basket.bottom],
    screen: [0, 0, innerWidth, innerHeight],
    sideways: document.documentElement.scrollWidth - innerWidth,
    scrolled: [scrollX, scrollY],
  };
}"""
# The boxes of the hall as the script has scaled it, and as the style sheet alone does.
SCALED = """() => {
  const [hall, extent] = ['.hall', '.hall-extent'].map((name) => document.querySelector(name));
  const box = () => { const { x, y, width, height } = hall.getBoundingClientRect(); return [x, y, width, height]; };
  const script = box();
  const [a, b] = [hall.style.cssText, extent.style.cssText];
  hall.style.cssText = extent.style.cssText = '';
  const sheet = box();
  [hall.style.cssText, extent.style.cssText] = [a, b];
  return [script, sheet];
}"""
SHOWTIME = """
from cinema.models import Movie, Screen
from django.utils import timezone
keys = [category.key for category in Screen.objects.get(cinema__name="{cinema}", name="1").plan.categories.all()]
print("movie,cinema,screen,starts_at,language,format," + ",".join(f"price_{{key}}" for key in keys))
start = timezone.localtime(timezone.now() + timezone.timedelta(days=3)).strftime("%Y-%m-%d 20:00")
print(f'"{{Movie.objects.first().title}}",{cinema},1,{{start}},English,2D,' + ",".join("9" for _ in keys))
"""
# Whether the word "Screen" touches a seat.
NAME_TOUCHES_SEAT = """() => {
  const range = document.createRange();
  range.selectNodeContents(document.querySelector('.screen__name'));
  const name = range.getBoundingClientRect();
  return [...document.querySelectorAll('.seat')].some((seat) => {
    const { left, top, right, bottom } = seat.getBoundingClientRect();
    return left < name.right && right > name.left && top < name.bottom && bottom > name.top;
  });
}"""


def open_at(new_guest, server, path, size):
    guest = new_guest(server, **SIZES[size]).open(path, live=False)
    guest.page.locator(".hall[data-detail]").wait_for()
    return guest


def look_at(guest, path):
    guest.open(path, live=False).page.locator(".hall[data-detail]").wait_for()
    return guest.page.evaluate(LOOK)


def is_inside(box, frame, slack=0.5):
    return (
        box[0] >= frame[0] - slack and box[1] >= frame[1] - slack
        and box[2] <= frame[2] + slack and box[3] <= frame[3] + slack
    )  # fmt: skip


def touches(a, b):
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def shows_every_seat(look, hall=""):
    window = [max(look["window"][0], 0), max(look["window"][1], 0), look["window"][2], look["window"][3]]
    assert look["scrolled"] == [0, 0] and look["sideways"] <= 0, hall
    assert all(is_inside(seat, window) and is_inside(seat, look["screen"]) for seat in look["seats"]), hall
    assert not any(touches(seat, look["basket"]) for seat in look["seats"]), hall


@pytest.mark.parametrize("size", SIZES)
def test_every_seat_is_in_the_first_view_and_no_button_covers_one(server, paths_by_hall, new_guest, size):
    guest = new_guest(server, **SIZES[size])
    for hall in HALLS:
        look = look_at(guest, paths_by_hall[hall])
        assert len(look["seats"]) > 40, hall
        shows_every_seat(look, hall)
        assert all(is_inside(button, look["screen"]) for button in look["buttons"]), hall
        assert not any(touches(seat, button) for seat in look["seats"] for button in look["buttons"]), hall
        under_it = [button for button in look["buttons"] if touches(look["window"], button)]
        assert not under_it, f"{hall}: zoomed, seats would be under it"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_the_script_starts(server, paths_by_hall, new_guest, size):
    scripted, plain = open_at(new_guest, server, paths_by_hall["Great Hall"], size).page.evaluate(SCALED)
    assert scripted == pytest.approx(plain, abs=1)


def manage(server, *arguments, **more):
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=clean_environment(**server.env), capture_output=True, text=True, timeout=120, **more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def show_in(server, browser, folder, cinema, plan):
    """The path of a showtime in a hall of this plan, in a new cinema."""
    (folder / "plan.json").write_bytes(write_plan(plan))
    manage(server, "import_seating_plan", str(folder / "plan.json"), "--cinema", cinema, "--screen", "1")
    (folder / "showtime.csv").write_text(manage(server, "shell", "-v0", input=SHOWTIME.format(cinema=cinema)))
    manage(server, "import_showtimes", str(folder / "showtime.csv"))
    context = browser.new_context()
    listed = context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
    context.close()
    return next(f"/showtimes/{one['id']}/" for one in listed if one["cinema"] == cinema)


def plan_of(name, rows, **more):
    ground = {"name": "Ground", "position": {"x": 0, "y": 0}, "rows": rows, "areas": []}
    return {"name": name, "categories": [{"name": "Rim", "color": "#6b97de"}], "zones": [ground], **more}


@pytest.fixture(scope="module")
def court_path(server, browser, tmp_path_factory):
    """A showtime in a hall whose seats stand at the ends of a court 60 seats wide."""
    ends = [
        {"row_number": name, "position": {"x": 0, "y": 25 * n}, "seats": [
            seat(x, 25.0 * x, category="Rim") for x in (1, 2, 59, 60)
        ]}
        for n, name in enumerate("ABCDEFGHIJ")
    ]  # fmt: skip
    plan = plan_of("Court", ends, size={"width": 9000, "height": 900})
    return show_in(server, browser, tmp_path_factory.mktemp("court"), "Court", plan)


@pytest.fixture(scope="module")
def wide_path(server, browser, tmp_path_factory):
    """A showtime in a hall of 1,000 seats: 20 straight rows of 50, the first of them close to the screen."""
    rows = [
        {"row_number": name, "position": {"x": 0, "y": 25 * n}, "seats": [
            seat(x, 25.0 * x, category="Rim") for x in range(1, 51)
        ]}
        for n, name in enumerate("ABCDEFGHIJKLMNOPQRST")
    ]  # fmt: skip
    return show_in(server, browser, tmp_path_factory.mktemp("wide"), "Wide", plan_of("Wide", rows))


@pytest.mark.parametrize("size", SIZES)
def test_a_hall_with_an_empty_middle_opens_with_its_seats(server, court_path, new_guest, size):
    look = open_at(new_guest, server, court_path, size).page.evaluate(LOOK)
    assert len(look["seats"]) == 40
    shows_every_seat(look)


@pytest.mark.parametrize("size", SIZES)
def test_the_name_of_the_screen_is_over_no_seat_of_a_large_hall(server, wide_path, new_guest, size):
    page = open_at(new_guest, server, wide_path, size).page
    look = page.evaluate(LOOK)
    assert len(look["seats"]) == 1000
    shows_every_seat(look)
    assert not page.evaluate(NAME_TOUCHES_SEAT)


def test_a_filled_basket_covers_no_seat_of_the_first_view(server, showtime_path, new_guest):
    alice = new_guest(server, **SIZES["phone"]).open(showtime_path)
    alice.choose(*alice.free_seats(2))
    alice.page.reload()
    alice.page.locator(".hall[data-detail]").wait_for()
    shows_every_seat(alice.page.evaluate(LOOK))


def test_without_script_a_wide_hall_starts_in_its_middle_and_seats_are_large_enough(server, paths_by_hall, new_guest):
    guest = new_guest(server, **SIZES["phone"], java_script_enabled=False)
    guest.page.goto(server.url + paths_by_hall["Great Hall"])
    window = guest.page.locator(".hall-window").bounding_box()
    hall = guest.page.locator(".hall").bounding_box()
    assert hall["width"] > 1.5 * window["width"]
    assert hall["x"] + hall["width"] / 2 == pytest.approx(window["x"] + window["width"] / 2, abs=3)
    assert guest.page.locator(".seat").first.bounding_box()["width"] >= 24


def test_numbers_are_shown_only_where_they_can_be_read(server, paths_by_hall, new_guest):
    """Their size as seen: the computed size times the scale of the hall."""
    shown = open_at(new_guest, server, paths_by_hall["Screen 1"], "phone").page.evaluate("""() => {
      const { zoom } = document.querySelector('seat-map');
      const marks = [...document.querySelectorAll('.seat[data-status="available"][data-kind="seat"] i')];
      return Array.from({ length: 30 }, (_, n) => {
        zoom.show(zoom.steps[0] + (zoom.steps.at(-1) - zoom.steps[0]) * n / 29, [5, 5]);
        return marks.map((mark) => parseFloat(getComputedStyle(mark).fontSize) * Number(zoom.hall.style.scale));
      });
    }""")
    assert all(size == 0 or size >= 10.5 for sizes in shown for size in sizes)
    assert max(shown[0]) == 0 and min(shown[-1]) > 12


def test_long_numbers_fit_into_their_chairs(server, paths_by_hall, new_guest):
    page = open_at(new_guest, server, paths_by_hall["Studio"], "desktop").page
    page.emulate_media(forced_colors="active")  # the chairs of the style sheet, whose lettering the canvas copies
    fits = page.evaluate(
        """(numbers) => {
      const seat = document.querySelector('.seat[data-status="available"][data-kind="seat"]');
      const [chair, mark] = [seat.querySelector('.chair'), seat.querySelector('i')];
      return numbers.map((number) => {
        if (number.length > 3) seat.dataset.long = number.length > 4 ? 'more' : '';
        mark.textContent = number;
        const range = document.createRange();
        range.selectNodeContents(mark);
        // Not by the box as seen: chairs are turned.
        const wide = Math.hypot(range.getBoundingClientRect().width, 0);
        return [number, wide, chair.offsetWidth * Number(document.querySelector('.hall').style.scale) * 0.86];
      });
    }""",
        ["8", "12", "0-0", "A12", "AA12", "10-12"],
    )
    assert all(0 < wide <= room for _, wide, room in fits), json.dumps(fits)
