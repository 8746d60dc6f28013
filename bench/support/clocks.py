"""The clock of a program under test, which the test sets while it runs."""

from pathlib import Path

SITECUSTOMIZE = Path(__file__).parent / "set_clock"


class SetClock:
    """`env` goes into the environment of a program: its clock is then `ahead` seconds ahead of the machine's."""

    def __init__(self, folder, name, ahead=0.0):
        self.file = Path(folder) / f"clock-{name}"
        self.set(ahead)
        self.env = {"PYTHONPATH": str(SITECUSTOMIZE), "CLOCK_AHEAD_FILE": str(self.file)}

    def set(self, ahead):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(ahead))
        fresh.replace(self.file)
