"""The soak of the fast suite: the clock is shifted for whole processes, failures are seen, busy loops always end."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from bench.support.processes import processes_that_mention
from bench.support.servers import clean_environment
from tests.booking.outbox.notes import wait_until
from tests.run_all import PHASES, ROOT
from tests.soak import fast_suite

SHOW = "from datetime import datetime; print(datetime.now().astimezone().timestamp())"


def shown_by(*command, env):
    return float(subprocess.check_output([sys.executable, *command], cwd=ROOT, env=env, text=True))


@pytest.mark.parametrize("name", fast_suite.INSTANTS)
def test_a_process_and_its_child_have_the_clock_of_the_instant(name):
    wanted = fast_suite.INSTANTS[name].timestamp()
    env = fast_suite.environment_at(fast_suite.INSTANTS[name])
    assert 0 <= shown_by("-c", SHOW, env=env) - wanted < 60
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SHOW!r}])"
    assert 0 <= shown_by("-c", child, env=env) - wanted < 60


def test_a_program_under_test_has_the_clock_of_the_test(monkeypatch):
    instant = fast_suite.INSTANTS["29 February"]
    for name, value in fast_suite.environment_at(instant).items():
        monkeypatch.setenv(name, value)
    assert 0 <= shown_by("-c", SHOW, env=clean_environment()) - instant.timestamp() < 60


def test_the_instants_are_as_odd_as_their_names():
    at = fast_suite.INSTANTS
    assert at["a Tuesday"].isoweekday() == 2 and at["a Sunday morning"].isoweekday() == 7
    assert (at["29 February"].month, at["29 February"].day) == (2, 29)
    for night, change in (("the night that loses an hour", 60), ("the night that repeats an hour", -60)):
        before = at[night]
        after = datetime.fromtimestamp(before.timestamp() + 120, fast_suite.ZONE)
        assert (after.utcoffset() - before.utcoffset()).total_seconds() == 60 * change


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """`planted(text)` is a phase that runs this text as its only test file."""

    def plant(text):
        (tmp_path / "test_planted.py").write_text(text)
        options = (str(tmp_path), "-p", "no:django", "-p", "no:randomly", "-p", "no:asyncio")
        monkeypatch.setitem(PHASES, "planted", ("planted", "not server", options))
        return "planted"

    return plant


def test_a_test_that_knows_the_day_fails_at_an_odd_instant_and_is_named(planted, capsys):
    phase = planted("from datetime import date\ndef test_day(): assert date.today().day != 29\n")
    assert not fast_suite.report("leap", phase, fast_suite.environment_at(fast_suite.INSTANTS["29 February"]))
    assert "leap: 0 passed, 1 failed" in capsys.readouterr().out
    assert fast_suite.report("spring", phase, fast_suite.environment_at(fast_suite.INSTANTS["a Tuesday"]))
    assert "spring: 1 passed, 0 failed" in capsys.readouterr().out


def test_a_run_without_tests_and_one_that_takes_too_long_have_failed(planted):
    env = dict(os.environ)
    assert fast_suite.run_phase(planted(""), env)[1] == ["the phase ended with 5"]
    slow = planted("import time\ndef test_slow(): time.sleep(600)\n")
    begun = time.monotonic()
    assert fast_suite.run_phase(slow, env, seconds=3)[1] == ["the phase ended with over 3 s"]
    assert time.monotonic() - begun < 300


def test_busy_loops_end_with_the_block_also_after_an_error():
    with pytest.raises(ZeroDivisionError), fast_suite.busy_loops(2) as loops:
        assert [loop.poll() for loop in loops] == [None, None]
        raise ZeroDivisionError
    assert [loop.poll() for loop in loops] == [-signal.SIGKILL] * 2


def test_busy_loops_end_when_the_process_that_started_them_is_killed():
    start = (
        "import time\nfrom tests.soak.fast_suite import busy_loops\n"
        "with busy_loops(2) as loops:\n    print(*[loop.pid for loop in loops], flush=True)\n    time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with owner:
        pids = {int(pid) for pid in owner.stdout.readline().split()}
        assert len(pids) == 2
        owner.kill()
    wait_until(lambda: not pids & set(processes_that_mention("while os.getppid() == ")), seconds=60)
