"""Print, reduced motion and forced colours: seats and tickets stay recognisable."""

import re

import pytest
from playwright.sync_api import expect

from realtime.launcher.processes import wait_until

PAPER = """() => {
  const shown = (name) => [...document.querySelectorAll(name)].some((one) => one.getClientRects().length > 0);
  const ticket = getComputedStyle(document.querySelector('.ticket'));
  return {
    code: shown('.ticket__code svg'), seat: shown('.ticket__seat'), masthead: shown('.masthead'),
    footer: shown('.footer'), side: shown('.booked__side'), banner: shown('.demo-banner'),
    ground: ticket.backgroundColor, ink: ticket.color,
  };
}"""
LONGEST = """() => Math.max(0, ...document.getAnimations().map((one) => one.effect.getComputedTiming())
  .filter((timing) => timing.iterations === Infinity || timing.duration > 20).map((timing) => timing.duration))"""


@pytest.fixture
def seats_of_two(server, showtime_path, new_guest):
    """(guest, label of a seat of their own, label of another guest's seat)."""
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    mine, theirs = alice.free_seats(2)
    alice.choose(mine)
    bob.choose(theirs)
    alice.sees(theirs, "locked")
    return alice, mine, theirs


LOOK = """(chair) => [
  getComputedStyle(chair, '::after').backgroundColor, getComputedStyle(chair, '::before').backgroundColor,
  getComputedStyle(chair.querySelector('i')).clipPath,
]"""


def chair_of(guest, label):
    """Computed colours of the seat's cushion and shell, and the shape of its mark."""
    return guest.seat(label).locator(".chair").evaluate(LOOK)


def test_in_forced_colors_my_seat_differs_from_free_and_locked_ones(seats_of_two):
    alice, mine, theirs = seats_of_two
    alice.page.emulate_media(forced_colors="active")
    free = alice.free_seats(1)[0]
    look = {label: chair_of(alice, label) for label in (mine, theirs, free)}
    assert look[mine][0] != look[free][0], "my seat has the system's highlight colour"
    assert len({shape for *_, shape in look.values()}) == 3, look


FORCED = """(seat) => {
  const probe = document.createElement('i');
  probe.style.cssText = 'forced-color-adjust: none; color: Canvas';
  document.body.append(probe);
  const chair = seat.querySelector('.chair');
  const sign = chair.querySelector('.chair__sign');
  const [front, back] = ['::after', '::before'].map((part) => getComputedStyle(chair, part));
  const look = {
    canvas: getComputedStyle(probe).color, edge: front.boxShadow, shell: back.backgroundImage + back.backgroundColor,
    sign: sign && getComputedStyle(sign).stroke, mark: getComputedStyle(chair.querySelector('i')).scale,
  };
  probe.remove();
  return look;
}"""


def test_in_forced_colors_wheelchair_places_are_there_and_taken_seats_are_quiet(server, new_guest):
    alice = new_guest(server, forced_colors="active")
    alice.open(alice.showtime_on("Great Hall"))
    place = alice.page.locator('.seat[data-kind="wheelchair"][data-status="available"]').first.evaluate(FORCED)
    assert place["sign"] != place["canvas"]
    free = alice.page.locator('.seat[data-kind="seat"][data-status="available"]').first.evaluate(FORCED)
    taken = alice.page.locator('.seat[data-kind="seat"][data-status="booked"]').first.evaluate(FORCED)
    assert free["canvas"] not in free["edge"], "a free seat has an outline"
    assert taken["edge"] == "none" and float(taken["mark"]) < 0.7, "a taken one has none, and a small mark"
    colours = ("moss", "ice", "plum", "sand", "sea")
    legend = [alice.page.locator(f'.price[data-seat-colour-of="{colour}"]').evaluate(FORCED) for colour in colours]
    assert len({each["shell"] for each in legend}) == len(colours), "each price has a pattern of its own"


def test_with_reduced_motion_nothing_moves_on_the_map(seats_of_two):
    alice, mine, _ = seats_of_two
    alice.page.emulate_media(reduced_motion="reduce")
    # What had begun to move before comes to its end, and nothing goes on.
    assert wait_until(lambda: alice.page.evaluate(LONGEST) == 0, seconds=60)
    alice.release(mine)
    assert alice.page.evaluate(LONGEST) == 0


def test_only_the_ticket_is_printed_black_on_white(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    alice.choose(*alice.free_seats(1))
    alice.pay()
    alice.page.emulate_media(media="print")
    paper = alice.page.evaluate(PAPER)
    assert paper == {
        "code": True, "seat": True, "masthead": False, "footer": False, "side": False, "banner": False,
        "ground": "rgb(255, 255, 255)", "ink": "rgb(0, 0, 0)",
    }  # fmt: skip
    alice.page.emulate_media(media="screen", forced_colors="active")
    code = alice.page.locator(".ticket__code svg").first
    expect(code).to_be_visible()
    assert re.match(r"rgb\(255", code.evaluate("(svg) => getComputedStyle(svg).backgroundColor")), "codes scan on white"
