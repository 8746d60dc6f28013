"""Lines that a test wants the whole run to say at its end: counts, medians, what could not run here."""

import os
from pathlib import Path


def report(subject, sentence):
    """Adds one line to the summary of `make test`; without such a run it is printed (pytest -s shows it)."""
    line = f"{subject}: {' '.join(str(sentence).split())}"
    file = os.environ.get("BOOKMYSEAT_REPORT")
    if not file:
        print(line)
        return
    with Path(file).open("a") as lines:  # one short append: whole, also from two processes
        lines.write(line + "\n")


def cannot_run(subject, why):
    """Names what this machine cannot show. The summary repeats it: nothing is skipped silently."""
    report("could not run here", f"{subject} ({why})")
