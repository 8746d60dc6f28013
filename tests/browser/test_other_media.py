"""On paper, without motion, in the colours of the reader's own system: seats and tickets still say what they are."""

import re

import pytest
from playwright.sync_api import expect

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
def chosen(house, sale, arrive):
    """A guest at a map with one seat of their own, one of somebody else, and the name of each."""
    alice, bob = arrive(house).open(sale), arrive(house).open(sale)
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
    """Cushion, shell and the shape of the mark, as the browser has computed them."""
    return guest.seat(label).locator(".chair").evaluate(LOOK)


def test_with_the_systems_colours_mine_is_not_like_a_free_one_nor_like_theirs(chosen):
    alice, mine, theirs = chosen
    alice.page.emulate_media(forced_colors="active")
    free = alice.free_seats(1)[0]
    look = {label: chair_of(alice, label) for label in (mine, theirs, free)}
    assert look[mine][0] != look[free][0], "yours is filled with the system's own highlight"
    assert len({shape for *_, shape in look.values()}) == 3, look


def test_without_motion_nothing_moves_on_the_map(chosen):
    alice, mine, _ = chosen
    alice.page.emulate_media(reduced_motion="reduce")
    alice.page.wait_for_timeout(300)
    assert alice.page.evaluate(LONGEST) == 0
    alice.give_back(mine)
    assert alice.page.evaluate(LONGEST) == 0


def test_a_ticket_prints_black_on_white_and_nothing_else_does(house, sale, arrive):
    alice = arrive(house).open(sale)
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
