"""What a page asks for and how much of it is sent, as Chromium's network log counts it."""

import pytest
from playwright.sync_api import expect

from tests.report import report

MOST_REQUESTS = 15
MOST_BYTES = 100 * 1024  # of scripts and style sheets, as sent
CODE = ("Script", "Stylesheet")


class NetworkLog:
    """The requests of a page from now on: address, kind, and bytes as sent."""

    def __init__(self, page):
        self.kinds, self.addresses, self.sizes = {}, {}, {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.webSocketCreated", lambda e: self._add(e["requestId"], e["url"], "WebSocket"))
        session.on("Network.loadingFinished", lambda e: self.sizes.update({e["requestId"]: e["encodedDataLength"]}))
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _on_request(self, event):
        self._add(event["requestId"], event["request"]["url"], event.get("type", "Other"))

    def _add(self, request, address, kind):
        if not address.startswith("data:"):
            self.kinds[request], self.addresses[request] = kind, address

    def of(self, *kinds):
        return [request for request, kind in self.kinds.items() if kind in kinds]

    def bytes_of(self, *kinds):
        return sum(self.sizes.get(request, 0) for request in self.of(*kinds))

    def table(self):
        return sorted((kind, self.addresses[r], self.sizes.get(r)) for r, kind in self.kinds.items())


@pytest.fixture
def open_page(new_guest, server):
    def visit(path):
        page = new_guest(server).page
        log = NetworkLog(page)
        page.goto(f"{server.url}{path}", wait_until="load")
        return page, log

    return visit


def check(log, name, most=MOST_REQUESTS, without=()):
    asked = [r for r, kind in log.kinds.items() if kind not in without]
    sent = log.bytes_of(*CODE)
    assert sent and all(log.sizes.get(r) for r in log.of(*CODE)), "every file has arrived"
    assert len(asked) <= most, log.table()
    assert sent <= MOST_BYTES, log.table()
    report("page weight", f"{name}: {len(asked)} requests, {sent / 1024:.1f} KiB of scripts and style sheets as sent")


def test_the_map_can_be_used_after_few_requests(open_page, showtime_path):
    page, log = open_page(showtime_path)
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=30_000)
    check(log, "map")


def test_the_front_page_asks_for_few_files_besides_the_pictures_of_its_films(open_page):
    page, log = open_page("/")
    expect(page.locator("#films .film").first).to_be_visible()
    check(log, "front page", without=("Image",))


@pytest.mark.parametrize("path", ["/", "the map"])
def test_only_style_sheets_hold_up_the_first_paint(open_page, showtime_path, path):
    """Modules and deferred scripts wait for the document; the font is asked for at once and held up for nothing."""
    page, log = open_page(showtime_path if path == "the map" else path)
    scripts = page.locator("head script[src]").evaluate_all("all => all.map((each) => each.type + each.defer)")
    assert scripts and set(scripts) <= {"moduletrue", "modulefalse", "true"}
    assert page.locator("link[rel=preload][as=font]").count() == len(log.of("Font")) == 1
    assert page.locator("link[rel=stylesheet]").count() <= 3
