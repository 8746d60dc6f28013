"""Child processes in the foreground: in our process group, ended by us, and ended when we end; ports and sockets."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cinema.files import private_file

PR_SET_PDEATHSIG = 1


def end_with_parent(signal_number: int) -> None:
    """On Linux: have this signal sent to this process when its parent ends, for whatever reason."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def end_with_make(signal_number: int) -> None:
    """When `make` started this process, end with it: SIGKILL to make alone would leave it running."""
    if os.environ.get("MAKELEVEL"):
        end_with_parent(signal_number)


def started_at(pid: int) -> str:
    """A text that differs for any two processes of this number on this machine; "" when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    if os.name != "posix":
        return ""  # Windows: no process is registered, so none is ended by mistake
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":  # on Windows this option would let us share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def bind_shared_socket(port: int, *, listen: bool) -> socket.socket:
    """A socket on a port that several processes of this user bind; the kernel distributes the connections."""
    shared = socket.socket()
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind(("127.0.0.1", port))
    if listen:
        shared.listen(1024)
    return shared


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Wait until the condition is true; False when it is not after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


@dataclass
class Child:
    """A program that ends at the latest when this process ends. `stop_signal` makes it end cleanly."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str] | None = None
    stop_signal: int = signal.SIGTERM
    cwd: Path | None = None
    log: Path | None = None
    user: int | None = None
    group: int | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        output = private_file(self.log).open("ab") if self.log else None
        try:
            self.process = subprocess.Popen(
                [str(part) for part in self.command],
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
                # Runs after the change of user, which would clear the setting.
                preexec_fn=lambda: end_with_parent(self.stop_signal),
            )
        finally:
            if output:
                output.close()

    def signal(self, number: int) -> None:
        if self.is_alive and self.process:
            self.process.send_signal(number)

    def ask_to_stop(self) -> None:
        self.signal(self.stop_signal)

    def stop(self, *, seconds: float = 3) -> None:
        """It has ended when this returns: by its signal, or killed after so many seconds."""
        self.ask_to_stop()
        self.wait_or_kill(seconds=seconds)

    def wait_or_kill(self, *, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
