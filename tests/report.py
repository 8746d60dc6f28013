"""Lines for the summary of a whole run: counts, medians, tests that could not run on this machine."""

import os
from pathlib import Path


def report(subject, sentence):
    """Add one line to the summary of `make test`; in any other run it is printed (`pytest -s` shows it)."""
    line = f"{subject}: {' '.join(str(sentence).split())}"
    file = os.environ.get("BOOKMYSEAT_REPORT")
    if not file:
        print(line)
        return
    with Path(file).open("a") as lines:  # one short append is atomic, also from two processes
        lines.write(line + "\n")


def cannot_run(subject, why):
    """Report what this machine cannot test. The summary repeats it: nothing is skipped silently."""
    report("could not run here", f"{subject} ({why})")
