"""What guests do with the stepper and the buttons for a party."""

import json

import pytest
from playwright.sync_api import expect

MINE = "boxes => boxes.map((box) => box.value)"


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
