"""Chromium and a server as processes. An error in the console, or a violation of the site's policy, fails the test."""

import contextlib

import pytest
from playwright.sync_api import Browser, sync_playwright

from bench.support.chromium import FLAGS, find_chromium
from bench.support.servers import start_server
from tests.browser.site.guest import Guest


@pytest.fixture(scope="package")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def server():
    """One server for all tests that do not end it; each takes an unused showtime from `showtime_path`."""
    with start_server(RATE_LIMITS=0, LIVE_POLL_SECONDS=1) as started:
        yield started


@pytest.fixture(scope="package")
def unused_showtimes(server):
    return []


@pytest.fixture
def next_showtime(server, browser, unused_showtimes):
    """A function that returns the path of a showtime on the large screen, one that no test has used if there is one."""

    def take():
        if not unused_showtimes:
            context = browser.new_context()
            listed = context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
            context.close()
            unused_showtimes.extend(one for one in listed if one["screen"] == "Screen 1" and one["sales"] == "open")
        return f"/showtimes/{unused_showtimes.pop()['id']}/"

    return take


@pytest.fixture
def showtime_path(next_showtime):
    return next_showtime()


@pytest.fixture
def new_guest(browser: Browser):
    """`new_guest(server)` is a guest with a browser context; at the end every console must be clean."""
    guests = []
    with contextlib.ExitStack() as stack:

        def create(server, **context):
            guest = Guest(browser.new_context(**{"locale": "en-GB", **context}), server)
            stack.callback(guest.close)
            guests.append(guest)
            return guest

        yield create
    errors = [error for guest in guests for error in guest.console_errors]
    assert not errors, errors
