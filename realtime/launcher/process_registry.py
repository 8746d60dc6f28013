"""Which processes work in a DATA_DIR, so that a start after SIGKILL ends what the last one could not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realtime.launcher.processes import Child, started_at, wait_until


class FolderInUse(Exception):
    """Another copy runs in this DATA_DIR. The text is for the operator."""


class Register:
    """The file `processes.json`: the main process first, then its children, each with the moment of its start.

    A number alone proves nothing: after a crash the system may have given it to a stranger, who must not be ended.
    """

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.file = data_dir / "processes.json"
        self.port = port

    def claim(self) -> list[int]:
        """Ends what an earlier start left over and writes ourselves down; returns the ended process numbers.

        Raises FolderInUse when a copy on another port works here, which is no leftover.
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
        """Writes down who works here now. A crash between start and record is covered by `end_with_parent`."""
        entries = [{"pid": os.getpid(), "main": True, "signal": int(signal.SIGTERM)}]
        entries += [{"pid": c.pid, "main": False, "signal": int(c.stop_signal)} for c in children if c.is_alive]
        told = {"port": self.port, "processes": [{**e, "started": started_at(e["pid"])} for e in entries]}
        self.data_dir.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(told, indent=1))
        fresh.replace(self.file)

    def close(self) -> None:
        self.file.unlink(missing_ok=True)

    def _read(self) -> tuple[int, list[dict[str, Any]]]:
        try:
            told = json.loads(self.file.read_text())
            return told["port"], [entry for entry in told["processes"] if _runs(entry)]
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
        return  # it ended by itself meanwhile
