"""The long runs: `make soak`, or `python -m tests.soak [--quick] [section …]`. Ends with 1 when a section fails."""

import argparse
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack

from bench.support.postgres import running_postgres
from bench.support.servers import every_setting

# name: module, function, its argument with --quick and without
SECTIONS = {
    "chaos": ("chaos_runs", "many", 200, 2000),
    "mutants": ("mutant_hunt", "hunt_all", ["gap ignored", "delta from the wrong base"], []),
    "bridge-killed": ("cluster_faults", "bridge_killed", 5.0, 20.0),
    "bridge-frozen": ("cluster_faults", "bridge_frozen", 5.0, 20.0),
    "database-frozen": ("cluster_faults", "database_frozen", 10.0, 10.0),
    "restore": ("restored", "under_load", 40, 200),
    "web-terminated": ("web_process_ends", "terminated", 200, 2000),
    "web-killed": ("web_process_ends", "killed", 200, 2000),
    "choice": ("choice", "many", 300, 5000),
    "choice-granted": ("choice", "granted", 30, 500),
    "choice-granted-postgresql": ("choice", "granted", 30, 500),
    "hoarding": ("hoarding", "run_all", 3.0, 60.0),
    "money-kills": ("money_kills", "many", 40, 200),
    "money-kills-postgresql": ("money_kills", "many", 40, 200),
    "clocks": ("fast_suite", "at_odd_instants", ["the night that loses an hour"], []),
    "load": ("fast_suite", "beside_busy_loops", ["unit"], ["unit"]),
}


def run_in_process(section, quick):
    """Whether the section passed, in a process of its own: settings are read once per process."""
    command = [sys.executable, "-m", "tests.soak", "--inside", section, *(["--quick"] if quick else [])]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        return process.wait() == 0
    finally:  # ended itself, the section ends what it has started
        process.terminate()
        process.wait()


def run_inside(section, quick):
    module, function, shorter, full = SECTIONS[section]
    begun = time.monotonic()
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bookmyseat-soak-"))
            database = stack.enter_context(running_postgres()) if section.endswith("-postgresql") else ""
            set_up_django(folder, database)
            run = getattr(importlib.import_module(f"tests.soak.{module}"), function)
            summary = run(shorter if quick else full)
    except Exception as error:
        traceback.print_exc()  # after any error the next sections still run
        print(f"{section}: FAILED after {time.monotonic() - begun:.0f} s: {error}", flush=True)
        return 1
    print(f"{section}: {summary} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0


def set_up_django(folder, database=""):
    """Settings for this run alone, apart from the developer's own."""
    os.environ |= dict.fromkeys(every_setting(), "")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "cinema.settings", "DATA_DIR": folder, "LOOP": "external"}
    os.environ["DATABASE_URL"] = database
    import django

    django.setup()


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="each section for a minute at most")
    parser.add_argument("--inside", choices=SECTIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit, so that every `finally` runs
    if options.inside:
        return run_inside(options.inside, options.quick)
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    failed = [s for s in options.sections or SECTIONS if not run_in_process(s, options.quick)]
    print(f"\nsoak: {'FAILED: ' + ', '.join(failed) if failed else 'every section passed'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
