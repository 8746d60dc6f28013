"""`make test`: every phase, fast ones first, and one summary. `python -m tests.run_all unit browser` runs some."""

import argparse
import os
import secrets
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
FILES_IN_PARALLEL = ("-n", "2", "--dist", "loadfile")  # the tests of a file share their servers
PHASES = {
    "unit": ("everything that needs no server, on SQLite", "not server and not browser", IN_PARALLEL),
    "postgresql": (
        "the database tests again, on PostgreSQL",
        "database and not server and not browser",
        ("--database", "postgresql", *IN_PARALLEL),
    ),
    "server": ("real servers, a cluster, Valkey killed and frozen", "server", FILES_IN_PARALLEL),
    "pages": ("every page and state in Chromium", "pages", IN_PARALLEL),
    "browser": ("what visitors and staff do in Chromium", "browser and not pages and not timed", IN_PARALLEL),
    "timed": ("how soon pages show it, one test after the other", "browser and timed", ()),
}
PHASE_SECONDS = 1500  # ends a phase that hangs; on a quiet machine none takes 200
N_SLOWEST = 10


def elements(results, tag):
    """The elements of a phase's JUnit file, or nothing when there is no readable one."""
    try:
        return list(ET.parse(results).getroot().iter(tag))
    except (OSError, ET.ParseError):
        return []


def count(results):
    """(passed, failed, skipped) of one phase's JUnit file; without a readable file the phase counts as one failure."""
    suites = elements(results, "testsuite")
    if not suites:
        return 0, 1, 0
    total, bad, skipped = 0, 0, 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - bad - skipped, bad, skipped


def name_of(case):
    return f"{case.get('classname')}::{case.get('name')}"


def failed_tests(results):
    """The names of the tests that failed."""
    return [
        name_of(case)
        for case in elements(results, "testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]


def slowest_tests(results):
    """(seconds, name) of the slowest tests, with what they set up and took down."""
    taken = [(float(case.get("time", 0)), name_of(case)) for case in elements(results, "testcase")]
    return sorted(taken, reverse=True)[:N_SLOWEST]


def pytest_command(phase, results):
    """What runs a phase and writes its results as a JUnit file."""
    _, marks, options = PHASES[phase]
    return [sys.executable, "-m", "pytest", "-q", "-m", marks, f"--junitxml={results}", *options]


def run_phase(name, folder, seed):
    print(f"\n==== {name}: {PHASES[name][0]}", flush=True)
    results = folder / f"{name}.xml"
    command = [*pytest_command(name, results), f"--randomly-seed={seed}"]
    process = subprocess.Popen(command, cwd=ROOT)
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


def print_slowest(name, folder):
    print(f"\n==== slowest of {name}")
    for seconds, test in slowest_tests(folder / f"{name}.xml"):
        print(f"{seconds:>8.1f} s  {test}")


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


def parse_arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.run_all", description=__doc__)
    parser.add_argument("phases", nargs="*", metavar="phase", help=", ".join(PHASES))
    parser.add_argument("--seed", type=int, help="repeat the order and the examples of an earlier run")
    options = parser.parse_args()
    if unknown := set(options.phases) - set(PHASES):
        parser.error(f"no phase {', '.join(sorted(unknown))}; there are {', '.join(PHASES)}")
    return options.phases or list(PHASES), secrets.randbits(32) if options.seed is None else options.seed


def main():
    names, seed = parse_arguments()
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-results-"))
    os.environ["BOOKMYSEAT_REPORT"] = str(folder / "report.txt")
    (folder / "report.txt").touch()
    if {"pages", "browser", "timed"} & set(names) and not install_chromium():
        os.environ["BOOKMYSEAT_NO_BROWSER"] = "1"
        (folder / "report.txt").write_text(
            "could not run here: the browser tests (no Chromium, and none installable)\n"
        )
    counts, seconds = {}, {}
    for name in names:
        begun = time.monotonic()
        counts[name] = run_phase(name, folder, seed)
        seconds[name] = time.monotonic() - begun
    for name in names:
        print_slowest(name, folder)
    lines = [*(folder / "report.txt").read_text().splitlines(), f"order and examples: SEED={seed}"]
    failed = print_summary(counts, seconds, lines)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
