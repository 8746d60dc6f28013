"""`make test`: every phase, fast ones first, and one summary. `python -m tests.run_all unit browser` runs some."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.chromium import install_chromium

ROOT = Path(__file__).resolve().parent.parent
IN_PARALLEL = ("-n", "2", "--dist", "worksteal")
PHASES = {
    "unit": ("everything that needs no server, on SQLite", "not server and not browser", IN_PARALLEL),
    "postgresql": (
        "the database tests again, on PostgreSQL",
        "database and not server and not browser",
        ("--database", "postgresql", *IN_PARALLEL),
    ),
    "server": ("real servers, a cluster, Valkey killed and frozen", "server", ()),
    "pages": ("every page and state in Chromium", "pages", IN_PARALLEL),
    "browser": ("what visitors and staff do in Chromium, one test after the other", "browser and not pages", ()),
}
PHASE_SECONDS = 600


def count(results):
    """(passed, failed, skipped) of one phase's JUnit file; without a readable file the phase counts as one failure."""
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
    subject, marks, options = PHASES[name]
    print(f"\n==== {name}: {subject}", flush=True)
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
    if code != 0 and not failed:  # for example 5, no tests were found, or 2, interrupted
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
