"""Photographs every page of a real server at three widths, and lays the pictures side by side.

    python -m tests.browser.contact_sheet [folder]

writes `docs/images/<page>-<width>.png` and `docs/images/contact-sheet.png`. A tool, not a test: it asserts nothing but
that every page answered, and is run when the look has changed.
"""

import html
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.servers import ROOT, clean_environment, start_server

SIZES = {390: 844, 820: 1180, 1440: 900}
EAGER = """async () => {
  document.querySelectorAll('img[loading=lazy]').forEach((image) => { image.loading = 'eager'; });
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
}"""
SHEET_STYLE = """
  body { margin: 0; padding: 32px; background: #0c0b0c; color: #f7f2ea; font: 600 20px Archivo, sans-serif; }
  main { display: grid; grid-template-columns: 1fr 1fr; gap: 40px 48px; }
  h2 { margin: 0 0 10px; font: inherit; }
  div { display: flex; gap: 12px; align-items: flex-start; }
  figure { margin: 0; block-size: 560px; overflow: hidden; border: 1px solid #423f47; background: #141414; }
  .w390 { inline-size: 240px; } .w820 { inline-size: 330px; } .w1440 { inline-size: 480px; }
  img { display: block; inline-size: 100%; }
"""


class Photographer:
    """Takes each page at each width, in the order in which it is told."""

    def __init__(self, folder):
        self.folder, self.names = folder, []
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page, name, *, whole=True):
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(EAGER)
            page.wait_for_timeout(500)
            page.screenshot(path=self.folder / f"{name}-{width}.png", full_page=whole)
        self.names.append(name)
        print(f"{name}: {page.url}")

    def visit(self, page, name, url, *, status=200, whole=True):
        answer = page.goto(url)
        assert answer.status == status, f"{url} answered {answer.status}"
        page.wait_for_timeout(700)
        self.take(page, name, whole=whole)

    def compose(self, browser):
        """All pictures on one."""
        page = browser.new_page(viewport={"width": 2260, "height": 900})
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder) / "sheet.html"
            sheet.write_text(self.sheet(), encoding="utf-8")
            page.goto(sheet.as_uri())
            page.evaluate(EAGER)
            page.screenshot(path=self.folder / "contact-sheet.png", full_page=True)

    def sheet(self):
        tiles = "".join(self.tile(name) for name in self.names)
        return f'<!doctype html><meta charset="utf-8"><style>{SHEET_STYLE}</style><main>{tiles}</main>'

    def tile(self, name):
        images = "".join(
            f'<figure class="w{width}"><img src="{(self.folder / f"{name}-{width}.png").as_uri()}"></figure>'
            for width in SIZES
        )
        return f"<section><h2>{html.escape(name.replace('-', ' '))}</h2><div>{images}</div></section>"


def lock(page, server, showtime, count):
    """Hold some free seats side by side, as the page's script would."""
    api = f"{server.url}/api/showtimes/{showtime['id']}"
    state = page.request.get(f"{api}/map/").json()["state"]
    seats = page.request.get(server.url + showtime["layout"]).json()["seats"]
    runs = [seats[i : i + count] for i in range(len(seats) - count)]
    fit = [
        run
        for run in runs
        if len({seat["segment"] for seat in run}) == 1
        and all(state[seat["i"]] == "A" and seat["kind"] == "seat" for seat in run)
    ]
    wish = [seat["label"] for seat in fit[len(fit) // 2]]
    page.request.get(f"{api}/lock/")
    answer = page.request.put(f"{api}/lock/", data={"seats": wish}, headers=token(page))
    assert answer.ok, answer.text()


def token(page):
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return {"X-CSRFToken": cookies["csrftoken"]}


def run_django(server, code):
    """A line of Python inside the product, for what no guest can do."""
    env = clean_environment(**server.env, LOOP="external")
    subprocess.run([sys.executable, "manage.py", "shell", "-c", code], cwd=ROOT, env=env, check=True, timeout=60)


def photograph_programme(photos, page, server):
    photos.visit(page, "home", f"{server.url}/")
    path = page.get_attribute(".billboard a.button:not(.button--yours)", "href")
    photos.visit(page, "movie", server.url + path)
    photos.visit(page, "bookings-empty", f"{server.url}/bookings/")
    photos.visit(page, "sign-in", f"{server.url}/accounts/login/")
    photos.visit(page, "sign-up", f"{server.url}/accounts/signup/")
    photos.visit(page, "not-found", f"{server.url}/movies/no-such-film/", status=404)


def photograph_sale(photos, page, server, showtimes):
    showtime, closed = showtimes
    hall = f"{server.url}/showtimes/{showtime['id']}/"
    photos.visit(page, "seat-map", hall, whole=False)
    lock(page, server, showtime, 3)
    photos.visit(page, "seat-map-basket", hall, whole=False)
    server.kill()
    page.wait_for_timeout(4000)
    photos.take(page, "seat-map-stale", whole=False)
    server.start()
    photos.visit(page, "checkout", f"{hall}checkout/")
    api = f"{server.url}/api/showtimes/{showtime['id']}/checkout/"
    page.request.get(f"{server.url}/api/showtimes/{showtime['id']}/lock/")
    opened = page.request.post(api, data={"email": "mira@example.com"}, headers=token(page)).json()
    photos.visit(page, "demo-payment", opened["url"])
    page.click('button[name="action"][value="pay"]')
    booking = f"{server.url}/bookings/{opened['reference']}/"
    page.wait_for_timeout(1500)
    photos.visit(page, "booking", booking)
    photos.visit(page, "bookings", f"{server.url}/bookings/")
    code = "from cinema.models import Showtime; from django.utils import timezone"
    run_django(server, f"{code}; Showtime.objects.filter(pk={closed['id']}).update(sales_close_at=timezone.now())")
    photos.visit(page, "seat-map-closed", f"{server.url}/showtimes/{closed['id']}/", whole=False)


def main():
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "docs" / "images"
    photos = Photographer(folder)
    with start_server(RATE_LIMITS=0) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        listed = page.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        sold = [one for one in listed if one["sales"] == "open"]
        evening = next((one for one in sold if one["screen"] == "Screen 1" and "T19" in one["starts_at"]), sold[0])
        photograph_programme(photos, page, server)
        photograph_sale(photos, page, server, (evening, sold[-1]))
        photos.compose(browser)
        browser.close()
    print(f"{len(photos.names)} pages at {len(SIZES)} widths in {folder}")


def chromium():
    """The machine's own browser where there is one, else the one that Playwright brings."""
    from shutil import which

    return which("chromium") or which("chromium-browser") or None


if __name__ == "__main__":
    main()
