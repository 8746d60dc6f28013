"""CPU time and memory of processes, and their cores. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes have used so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def cpu_milliseconds(pid: int) -> float:
    """The time that the threads of this process have run, to the microsecond; without threads that have ended."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def cpu_seconds_of_ended_children(pid: int) -> float:
    """User and system time of the children of this process that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICK


def memory_kib(pids: Iterable[int]) -> int:
    """Proportional set size of these processes together: a shared page is divided among those that share it."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def pin(pids: Iterable[int], core: int) -> None:
    """Bind every thread of these processes to one core, where the machine has more than one."""
    cores = sorted(os.sched_getaffinity(0) | {0})
    target = {cores[core % len(cores)]}
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), target)
