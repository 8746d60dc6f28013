"""Takes pictures of every page at three widths, and puts them on one sheet.

    python -m tests.browser.pictures.contact_sheet [folder]

writes `docs/images/<page>-<width>.png` and `docs/images/contact-sheet.png`. A tool, not a test: run it when the design
has changed. The pages are those of `site_map.py`, which the whole-site check visits too.
"""

import html
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.support.chromium import find_chromium
from bench.support.servers import ROOT
from tests.browser.site.site_map import PAGES, People, start_site

SIZES = {390: 844, 820: 1180, 1440: 900}
EAGER = """async () => {
  document.querySelectorAll('img[loading=lazy]').forEach((image) => { image.loading = 'eager'; });
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
  document.activeElement?.blur();
  scrollTo(0, 0);  // else sticky elements appear in the middle of the picture
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
    """Takes a picture of each page at each width."""

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

    def compose(self, browser):
        """Write all pictures on one sheet."""
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


def photograph_pages(photos, people):
    """Every page of the site map."""
    for entry in PAGES:
        page = people.page_of(entry.role)
        page.goto(people.url(entry))
        if entry.act:
            entry.act(page)
        page.wait_for_timeout(700)
        photos.take(page, entry.name, whole=entry.rolele)


def photograph_stale_map(photos, people):
    """The map after its server has ended."""
    page = people.page_of("customer")
    page.goto(people.url(next(entry for entry in PAGES if entry.name == "seat-map-basket")))
    page.wait_for_timeout(1500)
    people.server.kill()
    page.wait_for_timeout(4000)
    photos.take(page, "seat-map-stale", whole=False)


def main():
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "docs" / "images"
    photos = Photographer(folder)
    server, facts = start_site()
    with server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        people = People(browser, server, facts)
        photograph_pages(photos, people)
        photograph_stale_map(photos, people)
        photos.compose(browser)
        browser.close()
    print(f"{len(photos.names)} pages at {len(SIZES)} widths in {folder}")


if __name__ == "__main__":
    main()
