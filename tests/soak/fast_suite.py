"""The fast suite (`make test ONLY=unit`) at odd instants, and beside processes that leave it little of the machine."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import time_machine

from tests.run_all import PHASES, ROOT, count, failed_tests, pytest_command

SHIFTED_CLOCK = Path(__file__).parent / "shifted_clock"
ZONE = ZoneInfo("Europe/London")  # the TIME_ZONE of the tests
# Both nights of the clock change, the end of a month and the new year happen while the suite runs.
INSTANTS = {
    "a Tuesday": datetime(2026, 12, 8, 10, 0, tzinfo=ZONE),
    "23:50": datetime(2026, 12, 10, 23, 50, tzinfo=ZONE),
    "1 January": datetime(2026, 12, 31, 23, 59, tzinfo=ZONE),
    "29 February": datetime(2028, 2, 29, 12, 0, tzinfo=ZONE),
    "the night that loses an hour": datetime(2027, 3, 28, 0, 59, tzinfo=ZONE),
    "the night that repeats an hour": datetime(2027, 10, 31, 1, 59, tzinfo=ZONE),
    "the end of a month": datetime(2027, 4, 30, 23, 59, tzinfo=ZONE),
    "a Sunday morning": datetime(2027, 5, 16, 8, 0, tzinfo=ZONE),
}
RUN_SECONDS = 1800
MOST_LINES = 200  # of the output of a run in which a test failed
# time_machine is imported before pytest can rewrite its asserts, which none of the tests need.
OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
# The parent's number is given: a loop that asked for it could ask after its parent's end.
BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(10**6): pass"


def environment_at(instant):
    """The environment of a process whose clock shows this instant now, and goes on from there.

    Also from a process whose own clock is shifted: the suite at an odd instant tests this too.
    """
    is_shifted = time_machine.escape_hatch.is_travelling()
    offset = instant.timestamp() - (time_machine.escape_hatch.time.time() if is_shifted else time.time())
    path = os.pathsep.join(filter(None, [str(SHIFTED_CLOCK), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path, "BOOKMYSEAT_CLOCK_OFFSET": str(offset)}


def assert_shifted(instant, env):
    """Without a shift every run would pass at today's date."""
    shown = subprocess.check_output([sys.executable, "-c", "import time; print(time.time())"], env=env, text=True)
    assert abs(float(shown) - instant.timestamp()) < 60, f"the clock shows {shown.strip()} and not {instant}"


def run_phase(phase, env, seconds=RUN_SECONDS):
    """(passed, names of failed tests, the output) of one phase of `make test` in processes of its own."""
    with tempfile.TemporaryDirectory(prefix="bookmyseat-suite-") as folder:
        results, output = Path(folder, "results.xml"), Path(folder, "output.txt")
        with output.open("w") as written:
            process = subprocess.Popen(
                [*pytest_command(phase, results), *OPTIONS],
                cwd=ROOT,
                env=env,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = f"over {seconds} s"
            finally:
                end_session(process)
        passed, failed = count(results)[0], failed_tests(results)
        if code != 0 and not failed:
            failed = [f"the phase ended with {code}"]
        return passed, failed, output.read_text(errors="replace")


def end_session(process):
    """The run and its workers, also when the run was interrupted."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def report(name, phase, env):
    """Whether the phase passed; a line that says so."""
    begun = time.monotonic()
    passed, failed, output = run_phase(phase, env)
    taken = f"{time.monotonic() - begun:.0f} s"
    if failed:
        print("\n".join(output.splitlines()[-MOST_LINES:]), flush=True)
    print(f"  {name}: {passed} passed, {len(failed)} failed in {taken}", *failed, sep="\n    ", flush=True)
    return not failed


def at_odd_instants(names):
    """The summary. Raises AssertionError with the instants at which a test failed."""
    bad = []
    for name in names or INSTANTS:
        instant = INSTANTS[name]
        env = environment_at(instant)
        assert_shifted(instant, env)
        if not report(f"{name}, {instant:%A %d %B %Y %H:%M}", "unit", env):
            bad.append(name)
    assert not bad, f"tests fail at {', '.join(bad)}"
    return f"the fast suite at {len(names or INSTANTS)} instants, all passed"


@contextmanager
def busy_loops(number):
    """Processes that take all the time they get. Each ends with the block, and also when this process is killed."""
    loops = []
    try:
        for _ in range(number):
            loops.append(subprocess.Popen([sys.executable, "-c", BUSY_LOOP, str(os.getpid())]))
        yield loops
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def beside_busy_loops(phases):
    """The summary. Raises AssertionError with the phases in which a test failed."""
    with busy_loops(2) as loops:
        bad = [phase for phase in phases if not report(f"{phase}: {PHASES[phase][0]}", phase, dict(os.environ))]
        assert all(loop.poll() is None for loop in loops), "a busy loop has ended before the tests"
    assert not bad, f"tests fail under load in {', '.join(bad)}"
    return f"{' and '.join(phases)} beside two busy loops, all passed"
