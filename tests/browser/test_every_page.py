"""Every page in every state, on phone and desktop: no fault that a machine can find."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

from tests.browser.site.site_map import PAGES, People, start_site

pytestmark = pytest.mark.pages
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# What the browser logs of an error page that is expected; of the page itself, never of an asset.
OWN_STATUS = re.compile(r"the server responded with a status of (403|404|429|500)")
COUNTS = """() => ({
  title: document.title.trim(),
  h1: document.querySelectorAll('h1').length,
  main: document.querySelectorAll('main').length,
  lang: document.documentElement.lang,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  inline: document.querySelectorAll('[style]:not([data-styled]), style').length,
})"""


@pytest.fixture(scope="module")
def site():
    server, facts = start_site()
    yield server, facts
    server.close()


@pytest.fixture(scope="module", params=SIZES, ids=SIZES)
def people(request, site, browser):
    server, facts = site
    created = People(browser, server, facts, viewport=SIZES[request.param], reduced_motion="reduce")
    yield created
    created.close()


def policy_faults(header):
    faults = [word for word in ("unsafe-inline", "unsafe-eval", "http:", " * ") if word in header]
    return faults + [
        word for word in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'") if word not in header
    ]


class Visit:
    """Opens one page and collects its faults."""

    def __init__(self, people, entry):
        self.entry, self.page, self.faults = entry, people.page_of(entry.role), []
        self.listeners = {
            "console": self.on_console,
            "pageerror": self.on_error,
            "response": self.on_response,
            "requestfailed": self.on_request_failed,
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)
        self.url = people.url(entry)
        self.answers = []

    def on_console(self, message):
        expected = self.entry.status >= 400 and OWN_STATUS.search(message.text)
        ours = "Couldn't load preload assets" not in message.text  # axe logs it for a style sheet that it cannot read
        if message.type in ("error", "warning") and ours and not expected:
            self.faults.append(f"console {message.type}: {message.text}")

    def on_error(self, error):
        self.faults.append(f"script: {error}")

    def on_response(self, response):
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self.answers.append(response)
        elif response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def on_request_failed(self, request):
        if "ERR_ABORTED" not in (request.failure or ""):  # cancelled by the next navigation
            self.faults.append(f"failed: {request.url} {request.failure}")

    def go(self):
        try:
            self.page.goto(self.url, wait_until="load")
            if self.entry.act:
                self.entry.act(self.page)
            self.check()
        except Error as error:
            self.faults.append(str(error).splitlines()[0])
        finally:
            for event, listener in self.listeners.items():
                self.page.remove_listener(event, listener)
        return [fault for fault in self.faults if not any(word in fault for word in self.entry.tolerates)]

    def check(self):
        answer = self.answers[-1]
        if answer.status != self.entry.status:
            self.faults.append(f"answered {answer.status}")
        if self.entry.text not in self.page.locator("body").inner_text():
            self.faults.append(f"does not contain {self.entry.text!r}")
        self.faults += [
            f"policy: {fault}" for fault in policy_faults(answer.headers.get("content-security-policy", ""))
        ]
        found = self.page.evaluate(COUNTS)
        expected = {"h1": 1, "main": 1}
        if self.entry.path.startswith("/admin/"):
            expected = {"main": 1}  # Django's own pages have one h1 for the site and one for the page
        self.faults += [f"{found[name]} × {name}" for name, number in expected.items() if found[name] != number]
        self.faults += [f"no {name}" for name in ("title", "lang") if not found[name]]
        if found["wide"] > 0:
            self.faults.append(f"scrolls sideways by {found['wide']} px")
        for broken in Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]:
            self.faults += [
                f"axe {broken['id']}: {node['target']} {node['failureSummary'][:200]}" for node in broken["nodes"][:3]
            ]


@pytest.mark.parametrize("entry", PAGES, ids=[page.name for page in PAGES])
def test_page_has_no_fault(people, entry):
    faults = Visit(people, entry).go()
    assert not faults, "\n" + "\n".join(faults)


def test_page_names_are_unique():
    assert len({page.name for page in PAGES}) == len(PAGES)
