"""The painted seats: a canvas shows what the labels say, in the colours of the style sheet; elsewhere CSS shows it."""

import pytest

from realtime.launcher.processes import wait_until

# No seat numbers in this width; sharp, so that the narrowest mark is wider than a pixel.
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3}
# Where a chair shows one plain colour, as shares of its width and depth, and the token of that colour.
MARKS = {
    "available": (0.5, 0.35, "--seat-colour"), "mine": (0.2, 0.35, "--seat-mine"),
    "locked": (0.5, 0.42, "--seat-locked-mark"), "booked": (0.5, 0.345, "--seat-booked-head"),
    "blocked": (0.5, 0.5, "--seat-blocked-line"),
}  # fmt: skip
# The painted colour at a place of a chair, `beyond` pixels further up, and the colour of a token.
COLOURS = """([label, x, y, token, beyond]) => {
  const seat = document.querySelector(`.seat:has(input[value="${label}"])`);
  const canvas = document.querySelector('.hall__seats');
  const [box, all] = [seat.getBoundingClientRect(), canvas.getBoundingClientRect()];
  const chair = 0.86 * box.width;
  const [dx, dy] = [(x - 0.5) * chair, (y - 0.5) * chair - (beyond ?? 0)];
  const turn = parseFloat(getComputedStyle(seat).getPropertyValue('--turn')) * Math.PI / 180;
  const at = [
    box.x + box.width / 2 + dx * Math.cos(turn) - dy * Math.sin(turn) - all.x,
    box.y + box.height / 2 + dx * Math.sin(turn) + dy * Math.cos(turn) - all.y,
  ].map((px) => Math.round(px * canvas.width / all.width - 0.5));
  const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, ...at, 1, 1, 0, 0, 1, 1);
  const painted = [...copy.getImageData(0, 0, 1, 1).data];
  const probe = document.createElement('i');
  probe.style.setProperty('color', `var(${token})`);
  seat.append(probe);
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
  probe.remove();
  return [painted, [...wanted, 255]];
}"""
# How far the picture is, at most, from the one that was kept as `name`; a new name, or `last`, keeps it.
DIFFERENCE = """(name) => {
  const canvas = document.querySelector('.hall__seats');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const kept = (window.kept ??= {})[name] ??= data;
  if (name === 'last') window.kept.last = data;
  return data.reduce((most, value, i) => Math.max(most, Math.abs(value - kept[i])), 0);
}"""
LOOK = """() => {
  const canvas = document.querySelector('.hall__seats');
  const row = document.querySelector('.row');
  return {
    chairs: [...document.querySelectorAll('.row .chair')].every((chair) => chair.getClientRects().length > 0),
    rows: getComputedStyle(row).opacity, canvas: Boolean(canvas && canvas.getClientRects().length),
  };
}"""
CSS_CHAIRS = {"chairs": True, "rows": "1", "canvas": False}
PAINTED_CHAIRS = {"chairs": False, "rows": "0", "canvas": True}


def differs(guest, label, place, *, beyond=None):
    """How far the painted colour is from the token's, at most, in one channel of 0 to 255."""
    painted, wanted = guest.page.evaluate(COLOURS, [label, *place, beyond])
    return max(abs(a - b) for a, b in zip(painted, wanted, strict=True))


def is_painted(guest, label, status):
    return wait_until(lambda: differs(guest, label, MARKS[status]) < 12, seconds=30)


def test_a_change_is_painted_in_the_colours_of_its_status(server, showtime_path, new_guest):
    alice, bob = (new_guest(server, **PHONE).open(showtime_path) for _ in range(2))
    (seat,) = alice.free_seats(1)
    assert is_painted(bob, seat, "available")
    alice.choose(seat)
    assert is_painted(alice, seat, "mine")
    bob.sees(seat, "locked")
    assert is_painted(bob, seat, "locked") and differs(bob, seat, MARKS["mine"]) > 40
    alice.release(seat)
    bob.sees(seat, "available")
    assert is_painted(bob, seat, "available") and is_painted(alice, seat, "available")


@pytest.mark.parametrize("status", MARKS)
def test_each_status_is_painted_as_the_style_sheet_says(server, showtime_path, new_guest, status):
    alice = new_guest(server, **PHONE).open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.seat(seat).evaluate("(label, status) => { label.dataset.status = status; }", status)
    assert is_painted(alice, seat, status)


def test_an_event_and_the_focus_are_rings_that_go_again(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    (seat,) = alice.free_seats(1)
    ring = (0.5, 0, "--seat-freed-flash")
    alice.seat(seat).evaluate("(label) => { label.dataset.event = 'freed'; }")
    assert wait_until(lambda: differs(alice, seat, ring, beyond=3) < 40, seconds=30)
    alice.seat(seat).evaluate("(label) => { delete label.dataset.event; }")
    assert wait_until(lambda: differs(alice, seat, ring, beyond=3) > 60, seconds=30)
    alice.box(seat).evaluate("(box) => box.focus({ focusVisible: true })")
    assert wait_until(lambda: differs(alice, seat, (0.5, -0.07, "--color-focus"), beyond=3) < 40, seconds=30)
    alice.box(seat).evaluate("(box) => box.blur()")
    assert wait_until(lambda: differs(alice, seat, (0.5, -0.07, "--color-focus"), beyond=3) > 60, seconds=30)


def test_repainting_parts_gives_the_same_picture_as_repainting_all(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    seats = alice.free_seats(12)
    for n, seat in enumerate(seats):
        alice.seat(seat).evaluate("(label, status) => { label.dataset.status = status; }", list(MARKS)[n % 5])
    assert all(is_painted(alice, seat, list(MARKS)[n % 5]) for n, seat in enumerate(seats))

    def difference(name):
        return alice.page.evaluate(DIFFERENCE, name)

    assert difference("last") == 0 and wait_until(lambda: difference("last") == 0, seconds=30), "the light is still"
    assert difference("parts") == 0
    alice.page.evaluate("document.querySelector('.price').click()")  # a whole repaint, with other seats dimmed
    assert wait_until(lambda: difference("parts") > 20, seconds=30)
    alice.page.evaluate("document.querySelector('.price').click()")
    assert wait_until(lambda: difference("parts") <= 3, seconds=30), difference("parts")


def test_zoomed_and_scrolled_seats_are_painted_where_their_labels_are(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    first, *_, last = alice.free_seats(3)
    for _ in range(2):
        alice.page.get_by_role("button", name="Zoom in").click()
    for seat in (first, last):
        alice.box(seat).evaluate("(box) => box.scrollIntoView({ block: 'center', inline: 'center' })")
        place = (0.5, 0.13, "--seat-colour")  # above the number, where the cushion is lit
        assert wait_until(lambda seat=seat, place=place: differs(alice, seat, place) < 70, seconds=30)


def test_without_script_on_paper_and_in_forced_colours_the_style_sheet_shows_chairs(server, showtime_path, new_guest):
    plain = new_guest(server, java_script_enabled=False, **PHONE)
    plain.page.goto(server.url + showtime_path)
    assert plain.page.locator(".row .chair").first.is_visible()
    alice = new_guest(server, **PHONE).open(showtime_path)
    assert alice.page.evaluate(LOOK) == PAINTED_CHAIRS
    alice.page.emulate_media(media="print")
    assert alice.page.evaluate(LOOK) == CSS_CHAIRS
    alice.page.emulate_media(media="screen", forced_colors="active")
    assert alice.page.evaluate(LOOK) == CSS_CHAIRS
    alice.page.emulate_media(forced_colors="none")
    assert alice.page.evaluate(LOOK) == PAINTED_CHAIRS
    (seat,) = alice.free_seats(1)
    assert is_painted(alice, seat, "available")


def test_a_map_that_is_not_live_is_painted_dim(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    alice.page.evaluate("document.querySelector('.hall').dataset.live = 'false'")
    opacity = "() => getComputedStyle(document.querySelector('.hall__seats')).opacity"
    assert wait_until(lambda: alice.page.evaluate(opacity) == "0.4", seconds=30)


def test_what_is_painted_reaches_beyond_the_window_but_is_never_too_large(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    part_of = """async ([view, size, part, density]) =>
      (await import('/static/js/hall-part.js')).partToPaint(view, size, part, density)"""
    small = alice.page.evaluate(part_of, [[0, 0, 20, 20], [20, 20], None, 30])
    assert (small["left"], small["right"], small["finer"]) == (-0.7, 20.7, 1), (
        "a hall that is seen whole, with its edge"
    )
    near = alice.page.evaluate(part_of, [[40, 40, 60, 60], [200, 200], None, 76])
    assert near["left"] < 38 and near["right"] > 62 and near["right"] - near["left"] < 50
    assert alice.page.evaluate(part_of, [[41, 41, 61, 61], [200, 200], near, 76]) is None, "enough is painted already"
    large = alice.page.evaluate(part_of, [[0, 0, 200, 200], [200, 200], None, 76])
    assert ((large["right"] - large["left"]) * 76 * large["finer"]) ** 2 < 10e6
