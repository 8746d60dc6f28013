import os
import signal
import urllib.request
from pathlib import Path

from bench.support.processes import processes_of_session, processes_that_mention
from bench.support.servers import start_cluster
from realtime.launcher.processes import started_at, wait_until
from tests.report import report


def by_kind(processes):
    kinds = {"web": "realtime.launcher.web", "worker": "manage.py work", "postgres": "/postgres -D", "valkey": "valkey"}
    return {kind: sorted(pid for pid, line in processes.items() if mark in line) for kind, mark in kinds.items()}


def test_a_cluster_starts_restarts_a_dead_process_and_ends_with_nothing_left():
    """One start for several assertions: it costs seconds each time."""
    with start_cluster() as cluster:
        session = cluster.process.pid
        running = by_kind(processes_of_session(session))
        assert [len(running[kind]) for kind in ("web", "worker", "postgres", "valkey")] == [2, 1, 1, 1], running
        with urllib.request.urlopen(f"{cluster.url}/") as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{cluster.url}/readyz") as answer:
            assert answer.status == 200
        restarts_a_web_process_that_is_killed(cluster, session, running["web"])
        seconds = cluster.stop()
        report("cluster", f"healthy after {cluster.start_seconds:.1f} s, gone {seconds:.1f} s after SIGTERM")
        assert seconds < 5
        assert cluster.process.returncode == 0
        assert processes_of_session(session) == {}
        assert processes_that_mention(str(cluster.data_dir)) == {}


def n_listening(port):
    """The number of listening sockets on the port: one for each web process that serves."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(state == "0A" and int(address.rpartition(":")[2], 16) == port for _, address, _, state, *_ in lines)


def restarts_a_web_process_that_is_killed(cluster, session, before):
    # The cluster is healthy as soon as one of the two processes is; and a killed process is a zombie before its threads
    # have closed its socket. So the test waits for the sockets.
    assert wait_until(lambda: n_listening(cluster.port) == 2, seconds=30)
    os.kill(before[0], signal.SIGKILL)
    assert wait_until(lambda: n_listening(cluster.port) == 1, seconds=5)
    for _ in range(20):  # the other one answers meanwhile; no connection reaches the dead one
        assert cluster.is_healthy(timeout=10)
    assert wait_until(lambda: len(by_kind(processes_of_session(session))["web"]) == 2, seconds=10)
    after = by_kind(processes_of_session(session))["web"]
    assert before[0] not in after and before[1] in after


def test_sigint_in_the_terminal_ends_every_process():
    with start_cluster(WORKERS=1) as cluster:
        assert cluster.stop(signal.SIGINT) < 5
        assert processes_that_mention(str(cluster.data_dir)) == {}


def test_a_start_after_sigkill_ends_what_is_left_and_serves():
    with start_cluster(WORKERS=1) as cluster:
        children = processes_of_session(cluster.process.pid)
        cluster.process.kill()
        cluster.process.wait()
        cluster.start()
        assert not any(map(started_at, children))
        report("cluster", f"healthy {cluster.start_seconds:.1f} s after a SIGKILL, with the data it had")
