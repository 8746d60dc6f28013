"""Processes of this machine by session, parent or text, as `{pid: command line}`. Linux only: all of it reads /proc."""

import os
from pathlib import Path

from realtime.launcher.processes import started_at


def process_folders():
    """/proc/<pid> of every process."""
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def command_line(folder):
    return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def stat_fields(folder):
    """Fields 3 and later of /proc/<pid>/stat: state, parent, process group, session, …"""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def processes_of_session(session):
    """Every process of a session or process group, zombies excluded."""
    found = {}
    for folder in process_folders():
        try:
            state, _, group, its_session, *_ = stat_fields(folder)
            if state not in "ZX" and session in (int(group), int(its_session)):
                found[int(folder.name)] = command_line(folder)
        except OSError:
            continue
    return found


def children_of(pid):
    """Every process that this one started, at any depth."""
    parents, found, waiting = {}, {}, [pid]
    for folder in process_folders():
        try:
            parents[int(folder.name)] = int(stat_fields(folder)[1])
        except OSError:
            continue
    while waiting:
        parent = waiting.pop()
        for child in [each for each, its_parent in parents.items() if its_parent == parent]:
            waiting.append(child)
            try:
                found[child] = command_line(Path(f"/proc/{child}"))
            except OSError:
                continue
    return found


def web_processes_of(pid):
    """The pids of the web processes that a cluster's main process has started."""
    return [child for child, line in children_of(pid).items() if "realtime.launcher.web" in line]


def processes_that_mention(text):
    """Every other process with this text (a DATA_DIR, for example) in its arguments or environment."""
    found = {}
    for folder in process_folders():
        if int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
            mentions = text.encode() in line or text.encode() in (folder / "environ").read_bytes()
            if line and mentions and started_at(int(folder.name)):
                found[int(folder.name)] = command_line(folder)
        except OSError:
            continue
    return found
