"""Every page in every state, as a phone and as a desk sees it: nothing that a machine can find is wrong with it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

from tests.browser.stage.site_map import PAGES, Cast, start_stage

pytestmark = pytest.mark.pages
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# What a browser says of an answer that is meant to be one: the page's own, never an asset's.
OWN_STATUS = re.compile(r"the server responded with a status of (403|404|429|500)")
LOOK = """() => ({
  title: document.title.trim(),
  h1: document.querySelectorAll('h1').length,
  main: document.querySelectorAll('main').length,
  lang: document.documentElement.lang,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  inline: document.querySelectorAll('[style]:not([data-styled]), style').length,
})"""


@pytest.fixture(scope="module")
def stage():
    server, facts = start_stage()
    yield server, facts
    server.close()


@pytest.fixture(scope="module", params=SIZES, ids=SIZES)
def cast(request, stage, browser):
    server, facts = stage
    people = Cast(browser, server, facts, viewport=SIZES[request.param], reduced_motion="reduce")
    yield people
    people.close()


def policy_faults(header):
    faults = [word for word in ("unsafe-inline", "unsafe-eval", "http:", " * ") if word in header]
    return faults + [
        word for word in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'") if word not in header
    ]


class Visit:
    """Goes to one page and writes down whatever is wrong with it."""

    def __init__(self, cast, entry):
        self.entry, self.page, self.faults = entry, cast.page_of(entry.who), []
        self.listeners = {
            "console": self.hear,
            "pageerror": self.hear_error,
            "response": self.see,
            "requestfailed": self.miss,
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)
        self.url = cast.url(entry)
        self.answers = []

    def hear(self, message):
        expected = self.entry.status >= 400 and OWN_STATUS.search(message.text)
        ours = "Couldn't load preload assets" not in message.text  # axe says so of a sheet that it cannot read
        if message.type in ("error", "warning") and ours and not expected:
            self.faults.append(f"console {message.type}: {message.text}")

    def hear_error(self, error):
        self.faults.append(f"script: {error}")

    def see(self, response):
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self.answers.append(response)
        elif response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def miss(self, request):
        if "ERR_ABORTED" not in (request.failure or ""):  # what the next page made needless
            self.faults.append(f"failed: {request.url} {request.failure}")

    def go(self):
        try:
            self.page.goto(self.url, wait_until="load")
            if self.entry.act:
                self.entry.act(self.page)
            self.judge()
        except Error as error:
            self.faults.append(str(error).splitlines()[0])
        finally:
            for event, listener in self.listeners.items():
                self.page.remove_listener(event, listener)
        return [fault for fault in self.faults if not any(word in fault for word in self.entry.tolerates)]

    def judge(self):
        answer = self.answers[-1]
        if answer.status != self.entry.status:
            self.faults.append(f"answered {answer.status}")
        if self.entry.says and self.entry.says not in self.page.locator("body").inner_text():
            self.faults.append(f"does not say {self.entry.says!r}")
        self.faults += [
            f"policy: {fault}" for fault in policy_faults(answer.headers.get("content-security-policy", ""))
        ]
        look = self.page.evaluate(LOOK)
        wanted = {"h1": 1, "main": 1}
        if self.entry.path.startswith("/admin/"):
            wanted = {"main": 1}  # Django's own pages have a heading for the site and one for the page
        self.faults += [f"{look[name]} × {name}" for name, number in wanted.items() if look[name] != number]
        self.faults += [f"no {name}" for name in ("title", "lang") if not look[name]]
        if look["wide"] > 0:
            self.faults.append(f"scrolls sideways by {look['wide']} px")
        for broken in Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]:
            self.faults += [
                f"axe {broken['id']}: {node['target']} {node['failureSummary'][:200]}" for node in broken["nodes"][:3]
            ]


@pytest.mark.parametrize("entry", PAGES, ids=[page.name for page in PAGES])
def test_nothing_is_wrong_with(cast, entry):
    faults = Visit(cast, entry).go()
    assert not faults, "\n" + "\n".join(faults)


def test_each_page_has_a_name_of_its_own():
    assert len({page.name for page in PAGES}) == len(PAGES)
