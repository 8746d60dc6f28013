"""`make test`: every phase, fast ones first, one summary. `python -m tests.run_all unit browser` runs some of them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDE_BY_SIDE = ("-n", "2", "--dist", "worksteal")
PHASES = {
    "unit": ("everything that needs no server, on SQLite", "not server and not browser", SIDE_BY_SIDE),
    "postgresql": (
        "the tests of the database again, on PostgreSQL",
        "database and not server and not browser",
        ("--database", "postgresql", *SIDE_BY_SIDE),
    ),
    "server": ("real servers, a cluster, Valkey killed and frozen", "server", ()),
    "pages": ("every page and state in Chromium", "pages", SIDE_BY_SIDE),
    "browser": ("what people do in Chromium, one after the other", "browser and not pages", ()),
}
PHASE_SECONDS = 600
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium():
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def install_chromium():
    """The path of a Chromium, installed when this is root on a Debian; None when there is no way."""
    if not find_chromium() and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Chromium", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet)
    return find_chromium()


def count(results):
    """(passed, failed, skipped) of one phase's JUnit file; a phase without one has failed as a whole."""
    try:
        suites = list(ET.parse(results).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        return 0, 1, 0
    total, bad, skipped = 0, 0, 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - bad - skipped, bad, skipped


def run_phase(name, folder):
    what, marks, options = PHASES[name]
    print(f"\n==== {name}: {what}", flush=True)
    results = folder / f"{name}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-m", marks, f"--junitxml={results}", *options]
    process = subprocess.Popen([*command, "--durations=5", "--durations-min=2"], cwd=ROOT)
    try:
        code = process.wait(PHASE_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        code = f"over {PHASE_SECONDS} s"
    passed, failed, skipped = count(results)
    if code != 0 and not failed:  # 5: no tests were found; 2: interrupted; each is a failure of the phase
        print(f"The phase {name} ended with {code}.")
        failed = 1
    return passed, failed, skipped


def print_summary(counts, seconds, lines):
    print("\n==== summary")
    for name, (passed, failed, skipped) in counts.items():
        print(f"{name:<12}{passed:>6} passed{failed:>5} failed{skipped:>5} skipped{seconds[name]:>8.1f} s")
    for line in sorted(set(lines)):
        print(line)
    passed, failed, skipped = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"{sum(seconds.values()):.0f} s in all")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed


def main(names):
    unknown = set(names) - set(PHASES)
    if unknown:
        sys.exit(f"No phase {', '.join(sorted(unknown))}; there are {', '.join(PHASES)}.")
    names = names or list(PHASES)
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-results-"))
    os.environ["BOOKMYSEAT_REPORT"] = str(folder / "report.txt")
    (folder / "report.txt").touch()
    if {"pages", "browser"} & set(names) and not install_chromium():
        os.environ["BOOKMYSEAT_NO_BROWSER"] = "1"
        (folder / "report.txt").write_text(
            "could not run here: the browser tests (no Chromium, and none installable)\n"
        )
    counts, seconds = {}, {}
    for name in names:
        begun = time.monotonic()
        counts[name] = run_phase(name, folder)
        seconds[name] = time.monotonic() - begun
    failed = print_summary(counts, seconds, (folder / "report.txt").read_text().splitlines())
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
