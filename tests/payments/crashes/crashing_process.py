"""Processes of the product that can be killed at a chosen moment, and started again within milliseconds.

`python -m tests.payments.crashes.crashing_process` is a fork server: it has imported everything and forks a web process
(the product's `asgi.application` under uvicorn) or a worker (the product's loop) on command. A fork is a real process
with connections of its own, so SIGKILL has its real effect.

The moment is given from outside: `payments.events.apply_session after 2` wraps that name where the product looks it up,
and the process kills itself right after the second call; a fourth word restricts which calls count. The product has no
code for it.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta

from bench.support.servers import ROOT, clean_environment
from realtime.launcher.processes import end_with_parent, free_port

LAZY = (
    "django.contrib.messages.storage.fallback",
    "netrc",
    "stripe._object_classes",
    "stripe.checkout._session",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.auto",
)
# Shortened for tests: how long the lease and claims of a dead worker block the next one.
CLAIM, LEASE = timedelta(seconds=0.9), timedelta(seconds=0.6)


def address(given):
    """The DATABASE_URL of these settings."""
    if given["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{given['NAME']}"
    login = f"postgres://{given['USER']}:{given['PASSWORD']}"
    if given["HOST"]:
        return f"{login}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    return f"{login}@/{given['NAME']}?host={given['OPTIONS']['host']}&port={given['OPTIONS']['port']}"


class Process:
    """A child of the fork server; `url` is where a web process answers."""

    def __init__(self, pid, url=""):
        self.pid, self.url = pid, url

    def is_alive(self):
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def kill(self):
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.has_died()

    def has_died(self, seconds=60):
        """Wait for its end. Raises AssertionError when it does not end within `seconds`."""
        until = time.monotonic() + seconds
        while self.is_alive():
            assert time.monotonic() < until, f"process {self.pid} did not die at its moment"
            time.sleep(0.005)


class ForkServer:
    """`with ForkServer(DATABASE_URL=…, DATA_DIR=…) as server:`, then `server.web()` and `server.worker(crash=…)`."""

    def __init__(self, **env):
        self.port = free_port()
        self.env = {**env, "FORK_SERVER_PORT": self.port, "LOOP": "external", "RATE_LIMITS": "0"}
        self.log = env["DATA_DIR"] / "fork_server.log"
        self.n_armed = 0  # children that will kill themselves

    def __enter__(self):
        with self.log.open("ab") as log:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "tests.payments.crashes.crashing_process"],
                cwd=ROOT,
                env=clean_environment(**self.env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self

    def __exit__(self, *exc):
        self.program.stdin.close()
        self.program.wait(10)
        self.program.stdout.close()

    def web(self, crash=""):
        return Process(self._ask(role="web", crash=crash), f"http://127.0.0.1:{self.port}")

    def worker(self, crash=""):
        return Process(self._ask(role="worker", crash=crash))

    def settle(self, after=0.0):
        """Run the loop and the reconciliation as of `after` seconds from now; returns when they are done."""
        Process(self._ask(role="settle", crash="", after=after)).has_died(60)

    def _ask(self, **command):
        self.n_armed += bool(command["crash"])
        print(json.dumps(command), file=self.program.stdin, flush=True)
        answer = json.loads(self.program.stdout.readline() or "{}")
        assert "pid" in answer, f"no child was forked:\n{self.tail()}"
        return answer["pid"]

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


# ---- Inside ----------------------------------------------------------------------------------------------------------


def main():
    os.environ["DJANGO_SETTINGS_MODULE"] = "cinema.settings"
    end_with_parent(signal.SIGKILL)
    load_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)


def load_everything():
    """Import all that a process imports, also lazily, without opening a connection."""
    import stripe
    from django.urls import get_resolver

    asgi = importlib.import_module("asgi")
    for module in LAZY:
        importlib.import_module(module)
    client = stripe.StripeClient("sk_test_nothing", http_client=stripe.RequestsClient())
    _ = client.v1.checkout.sessions, client.v1.refunds, client.v1.events, get_resolver().url_patterns
    asgi.tune_collector()


def fork(command):
    """Fork a child; returns when it is ready."""
    ready, ready_pipe = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ready)
            run_child(command, ready_pipe)
        except BaseException:
            importlib.import_module("traceback").print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.close(ready_pipe)
    is_ready = os.read(ready, 1)
    os.close(ready)
    return {"pid": pid} if is_ready else {}


def run_child(command, ready_pipe):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    if command["crash"]:
        arm(*command["crash"].split())
    if command["role"] == "web":
        serve(ready_pipe)
    elif command["role"] == "worker":
        work(ready_pipe)
    else:
        os.write(ready_pipe, b".")
        settle(timedelta(seconds=command["after"]))


def serve(ready_pipe):
    import uvicorn

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ["FORK_SERVER_PORT"])))
    listener.listen(128)
    config = uvicorn.Config("asgi:application", lifespan="off", access_log=False, log_config=None, ws="none")
    config.load()
    os.write(ready_pipe, b".")
    uvicorn.Server(config).run(sockets=[listener])


def work(ready_pipe):
    from booking import loop
    from booking.outbox import worker

    worker.CLAIM, worker.RENEW = CLAIM, CLAIM / 3
    loop.LEASE, loop.RENEW = LEASE, LEASE / 3
    os.write(ready_pipe, b".")
    loop.Loop(threading.Event()).run()


def settle(after):
    """Run periodic tasks and outbox messages until there is nothing left to do."""
    from django.utils import timezone

    from booking.locks import expire_locks
    from booking.outbox.worker import run_due
    from payments import tasks
    from payments.reconciliation import reconcile_all

    for _ in range(8):
        at = timezone.now() + after
        expire_locks(at=at)
        tasks.end_overdue(at=at)
        reconcile_all(at=at)
        if not run_due(at=at):
            return


def arm(name, when, nth="1", about=""):
    """Kill this process before or after the nth call of `name`, a dotted path to where the product looks it up.

    Args:
        about: count only calls that have this in the text of their arguments.
    """
    owner, attribute = find_owner(name)
    real, calls, guard = getattr(owner, attribute), [], threading.Lock()

    def deadly(*args, **kwargs):
        with guard:
            counts = about in repr((args, kwargs))
            calls.extend([1] if counts else [])
            is_last = counts and len(calls) == int(nth)
        if is_last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, attribute, deadly)


def find_owner(name):
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:-1]:
            owner = getattr(owner, part)
        getattr(owner, parts[-1])  # raises when the product has no such name any more
        return owner, parts[-1]
    raise LookupError(name)


if __name__ == "__main__":
    main()
