"""The Chromium that browser tests and benchmarks drive."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: it is also run as root. The other flags keep the browser from contacting any other server.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of the machine's own browser, or None; Playwright then takes the one that it brings."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
