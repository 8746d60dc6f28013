"""What guests do with the stepper and the buttons for a party."""

import json

import pytest
from playwright.sync_api import expect

# A free ordinary seat with two free ones on each side in its segment.
ROOMY = """() => {
  const map = document.querySelector('seat-map');
  const starts = map.dataset.segments.split(' ').map(Number);
  const seats = [...document.querySelectorAll('.seat')].sort((a, b) => a.dataset.i - b.dataset.i);
  const isFree = (i) => seats[i].dataset.status === 'available' && seats[i].dataset.kind === 'seat';
  return starts.flatMap((start, n) => {
    const end = starts[n + 1] ?? seats.length;
    const found = [];
    for (let i = start + 2; i + 2 < end; i += 1) {
      if ([i - 2, i - 1, i, i + 1, i + 2].every(isFree)) found.push(seats[i].querySelector('input').value);
    }
    return found;
  });
}"""
MOSTLY_FREE = 150  # of 174 seats
MINE = "boxes => boxes.map((box) => box.value)"


@pytest.fixture
def showtime_path(server, browser, next_showtime):
    """A showtime with room for parties."""
    context = browser.new_context()
    for _ in range(60):
        path = next_showtime()
        state = context.request.get(f"{server.url}/api{path}map/").json()["state"]
        if state.count("A") >= MOSTLY_FREE:
            break
    context.close()
    return path


def step_to(guest, size):
    """Press the stepper until a tap takes so many seats."""
    shown = guest.page.locator("[data-party-size]")
    while (now := int(shown.inner_text())) != size:
        by = 1 if now < size else -1
        guest.page.locator(f'[data-party-step="{by}"]').click()
        expect(shown).to_have_text(str(now + by))


def block_of(guest):
    """Labels of the block that is shown, in order."""
    return guest.page.locator(".seat[data-block] input").evaluate_all(MINE)


def mine_of(guest):
    return guest.page.locator('.seat[data-status="mine"] input').evaluate_all(MINE)


def has_seats(guest, *labels):
    """Waits until these, and no others, are the guest's on the map and in the basket."""
    for label in labels:
        guest.sees(label, "mine")
        guest.reads_basket(label)
    expect(guest.page.locator('.seat[data-status="mine"]')).to_have_count(len(labels))
    expect(guest.page.locator("#basket-list .basket-seat")).to_have_count(len(labels))


def locked_by(guest):
    """What the server says that the guest has locked."""
    number = guest.page.url.rstrip("/").split("/")[-1]
    lock = guest.context.request.get(f"{guest.server.url}/api/showtimes/{number}/lock/").json()
    return [seat["label"] for seat in lock["seats"]]


@pytest.fixture
def puts():
    """`puts(guest)` collects the seats of each lock request from now on."""

    def listen(guest):
        sent = []
        guest.page.on(
            "request", lambda request: request.method == "PUT" and sent.append(json.loads(request.post_data)["seats"])
        )
        return sent

    return listen
