"""The README's animation: two maps of one showtime while two people choose.

    python -m tests.browser.pictures.moving_picture

writes `docs/images/live-map.webp`. A tool, not a test; it needs Pillow (`pip install pillow`), which nothing else does.
"""

import io

from playwright.sync_api import sync_playwright

from bench.support.chromium import FLAGS, find_chromium
from bench.support.servers import ROOT, start_server
from tests.browser.site.guest import Guest

WIDTH, HEIGHT, GAP = 620, 640, 16
FRAME = 130  # milliseconds
PAPER = (12, 11, 12)


class Film:
    """Two pages side by side; each frame shows both at the same moment."""

    def __init__(self, *guests):
        self.guests, self.frames = guests, []

    def take(self, times=1):
        from PIL import Image

        for _ in range(times):
            picture = Image.new("RGB", (2 * WIDTH + GAP, HEIGHT), PAPER)
            for number, guest in enumerate(self.guests):
                shot = Image.open(io.BytesIO(guest.page.screenshot())).convert("RGB")
                picture.paste(shot, (number * (WIDTH + GAP), 0))
            self.frames.append(picture)

    def save(self, path):
        first, *others = self.frames
        first.save(path, save_all=True, append_images=others, duration=FRAME, loop=0, quality=72, method=6)


def middle(guest, row, count):
    """Labels of free seats in the middle of a row."""
    boxes = guest.page.locator(f'.seat[data-status="available"] input[value^="{row}"]')
    labels = [label for label in boxes.evaluate_all("all => all.map((one) => one.value)") if label[1:].isdigit()]
    start = max(0, len(labels) // 2 - count // 2)
    return labels[start : start + count]


def act(film, alice, bob):
    """Alice chooses two seats, Bob three; Alice changes one, Bob releases one."""
    film.take(6)
    hers, his = middle(alice, "E", 2), middle(bob, "G", 3)
    for guest, labels in ((alice, hers), (bob, his)):
        for label in labels:
            guest.seat(label).click()
            film.take(4)
    film.take(4)
    alice.seat(hers[0]).click()
    film.take(5)
    other = middle(alice, "F", 1)[0]
    alice.seat(other).click()
    film.take(6)
    bob.seat(his[0]).click()
    film.take(10)


def main():
    with sync_playwright() as playwright, start_server(RATE_LIMITS=0) as server:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        size = {"viewport": {"width": WIDTH, "height": HEIGHT}, "locale": "en-GB"}
        alice, bob = (Guest(browser.new_context(**size), server) for _ in range(2))
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        afternoons = (one for one in listed if one["screen"] == "Screen 1" and "T16" in one["starts_at"])
        showtime = next(one["id"] for one in afternoons if one["sales"] == "open")
        film = Film(alice, bob)
        for guest in (alice, bob):
            guest.open(f"/showtimes/{showtime}/")
            guest.page.locator(".hall").scroll_into_view_if_needed()
            guest.page.evaluate("document.querySelector('.hall').closest('seat-map').scrollIntoView({block: 'start'})")
        act(film, alice, bob)
        target = ROOT / "docs/images/live-map.webp"
        film.save(target)
        browser.close()
        print(f"{target}: {len(film.frames)} frames, {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
