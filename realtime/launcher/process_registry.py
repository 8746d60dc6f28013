"""Which processes use a DATA_DIR, so that a start after SIGKILL can end those that the last start left running."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cinema.files import write_file
from realtime.launcher.processes import Child, started_at, wait_until


class FolderInUse(Exception):
    """Another copy runs in this DATA_DIR. The text is for the operator."""


class ProcessRegistry:
    """The file `processes.json`: the main process first, then its children, each with the moment of its start.

    The number alone proves nothing: the system may have given it to another program, which must not be ended.
    """

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.file = data_dir / "processes.json"
        self.port = port

    def claim(self) -> list[int]:
        """End the processes that an earlier start left running, and register this one. Returns the ended numbers.

        Raises FolderInUse when a copy on another port uses the folder.
        """
        port, running = self._read()
        if running and running[0]["main"] and port != self.port:
            raise FolderInUse(
                f"{self.data_dir} is in use by process {running[0]['pid']} on port {port}. "
                "Stop it, or give this copy another DATA_DIR."
            )
        self._end(running)
        self.record([])
        return [entry["pid"] for entry in running]

    def record(self, children: Sequence[Child]) -> None:
        """Write the running processes. A crash between a start and its record is covered by `end_with_parent`."""
        entries = [{"pid": os.getpid(), "main": True, "signal": int(signal.SIGTERM)}]
        entries += [{"pid": c.pid, "main": False, "signal": int(c.stop_signal)} for c in children if c.is_alive]
        data = {"port": self.port, "processes": [{**e, "started": started_at(e["pid"])} for e in entries]}
        self.data_dir.mkdir(parents=True, exist_ok=True)
        write_file(self.file, json.dumps(data, indent=1).encode(), is_synced=False)  # of this boot only

    def close(self) -> None:
        self.file.unlink(missing_ok=True)

    def _read(self) -> tuple[int, list[dict[str, Any]]]:
        try:
            data = json.loads(self.file.read_text())
            return data["port"], [entry for entry in data["processes"] if _runs(entry)]
        except (OSError, ValueError, KeyError, TypeError):
            return self.port, []

    def _end(self, running: list[dict[str, Any]]) -> None:
        for entry in running:
            _send(entry, entry["signal"])
        if not wait_until(lambda: not any(map(_runs, running)), seconds=5):
            for entry in filter(_runs, running):
                _send(entry, getattr(signal, "SIGKILL", signal.SIGTERM))
            wait_until(lambda: not any(map(_runs, running)), seconds=2)


def _runs(entry: dict[str, Any]) -> bool:
    return bool(entry["started"]) and entry["pid"] != os.getpid() and started_at(entry["pid"]) == entry["started"]


def _send(entry: dict[str, Any], number: int) -> None:
    try:
        os.kill(entry["pid"], number)
    except ProcessLookupError:
        return  # it has ended meanwhile
