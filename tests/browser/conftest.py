"""A real Chromium in front of a real server. An error in the console, or a broken policy, fails the test."""

import contextlib

import pytest
from playwright.sync_api import Browser, sync_playwright

from bench.support.servers import start_server
from tests.browser.stage.guest import Guest, find_chromium

# No sandbox: tests also run as root. The rest keeps the browser from talking to anybody but our server.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def house():
    """One server for all tests that leave it as it is; each takes a showtime of its own from `sale`."""
    with start_server(RATE_LIMITS=0, LIVE_POLL_SECONDS=1) as server:
        yield server


@pytest.fixture(scope="package")
def unused(house):
    return []


@pytest.fixture
def sale(house, browser, unused):
    """The path of a showtime in the big hall that no other test has touched."""
    if not unused:
        context = browser.new_context()
        listed = context.request.get(f"{house.url}/api/showtimes/").json()["showtimes"]
        context.close()
        unused.extend(one for one in listed if one["screen"] == "Screen 1" and one["sales"] == "open")
    return f"/showtimes/{unused.pop()['id']}/"


@pytest.fixture
def arrive(browser: Browser):
    """`arrive(server)` is a guest with a browser of their own; afterwards everybody's console must be clean."""
    guests = []
    with contextlib.ExitStack() as doors:

        def enter(server, **context):
            guest = Guest(browser.new_context(**{"locale": "en-GB", **context}), server)
            doors.callback(guest.leave)
            guests.append(guest)
            return guest

        yield enter
    complaints = [complaint for guest in guests for complaint in guest.complaints]
    assert not complaints, complaints
