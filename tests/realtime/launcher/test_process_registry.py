import json
import os
import signal
import subprocess
import sys
import time

import pytest

from realtime.launcher.process_registry import FolderInUse, ProcessRegistry
from realtime.launcher.processes import Child, started_at, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def write_entry(folder, *, port, process, started, main=False):
    entry = {"pid": process.pid, "main": main, "signal": int(signal.SIGTERM), "started": started}
    (folder / "processes.json").write_text(json.dumps({"port": port, "processes": [entry]}))


def test_a_child_that_an_earlier_start_left_running_is_ended(tmp_path, sleeper):
    write_entry(tmp_path, port=8000, process=sleeper, started=started_at(sleeper.pid))
    assert ProcessRegistry(tmp_path, 8000).claim() == [sleeper.pid]
    assert sleeper.wait(5) == -signal.SIGTERM


def test_such_a_child_that_ignores_the_signal_is_killed(tmp_path):
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        write_entry(tmp_path, port=8000, process=process, started=started_at(process.pid))
        ProcessRegistry(tmp_path, 8000).claim()
        assert process.wait(5) == -signal.SIGKILL


def test_another_program_with_the_same_number_is_not_ended(tmp_path, sleeper):
    write_entry(tmp_path, port=8000, process=sleeper, started="another-boot:42")
    assert ProcessRegistry(tmp_path, 8000).claim() == []
    assert sleeper.poll() is None


def test_a_start_beside_a_copy_on_another_port_is_refused_and_the_copy_lives(tmp_path, sleeper):
    write_entry(tmp_path, port=8000, process=sleeper, started=started_at(sleeper.pid), main=True)
    with pytest.raises(FolderInUse, match=f"in use by process {sleeper.pid} on port 8000"):
        ProcessRegistry(tmp_path, 8001).claim()
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}', '{"port": 1, "processes": [{}]}'])
def test_a_broken_file_stops_no_start(tmp_path, text):
    (tmp_path / "processes.json").write_text(text)
    assert ProcessRegistry(tmp_path, 8000).claim() == []
    assert json.loads((tmp_path / "processes.json").read_text())["processes"][0]["pid"] == os.getpid()


def test_a_child_ends_when_its_owner_is_killed(tmp_path):
    owner = (
        "import sys, time; from pathlib import Path; from realtime.launcher.processes import Child\n"
        "child = Child('sleeper', [sys.executable, '-c', 'import time; time.sleep(60)']); child.start()\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        child = int(process.stdout.readline())
        assert started_at(child)
        process.kill()
        process.wait()
    assert wait_until(lambda: not started_at(child), seconds=5)


def test_a_child_that_is_slow_to_stop_is_killed_in_time():
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = Child("ignoring", [sys.executable, "-c", ignoring])
    child.start()
    time.sleep(0.3)
    child.stop(seconds=0.3)
    assert child.exit_code == -signal.SIGKILL
