"""A Valkey (Redis) server as a child process, which a test may kill, freeze and restart on the same port."""

import shutil
import signal
import tempfile
from pathlib import Path

from realtime.launcher.valkey import Valkey


class RunningValkey:
    """`url` stays the same after kill and restart. Use it with `with`, or call stop()."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="bookmyseat-valkey-"))
        self.server = Valkey(self.folder, password="tests")
        self.url = self.server.url
        self.child = self.server.start()

    def kill(self):
        """SIGKILL: connections break without a reply."""
        self.child.signal(signal.SIGKILL)
        self.child.wait_or_kill(seconds=5)

    def freeze(self):
        """SIGSTOP: connections stay open and nothing answers."""
        self.child.signal(signal.SIGSTOP)

    def thaw(self):
        self.child.signal(signal.SIGCONT)

    def restart(self):
        """Start it again, empty, on the same port."""
        self.kill()
        self.child = self.server.start()

    def stop(self):
        self.thaw()
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def start_valkey():
    return RunningValkey()
