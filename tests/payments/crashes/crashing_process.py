"""Processes of the product that can be killed at a chosen moment, and started again in an instant.

`python -m tests.payments.crashing_process` is a nursery: a program that has imported everything and forks what it is
asked for, a web process (the product's own `asgi.application` under uvicorn) or a worker (the product's own loop). A
fork is a real process with connections of its own; SIGKILL leaves of it what SIGKILL leaves.

Where it is to die is said from outside: `payments.events.apply_session after 2` wraps that name where the product
looks it up, and the process kills itself right after the second call; a fourth word says which calls count. The
product knows nothing of it.
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
# What a test cannot wait for: how long a dead worker's lease and claim stand in the way of the next one.
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
    """One of the nursery's children; `url` is where a web process answers."""

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

    def has_died(self, seconds=10):
        """Waits for its end; raises AssertionError when it lives on."""
        until = time.monotonic() + seconds
        while self.is_alive():
            assert time.monotonic() < until, f"process {self.pid} did not die at its moment"
            time.sleep(0.005)


class Nursery:
    """`with Nursery(DATABASE_URL=…, DATA_DIR=…) as nursery:` then `nursery.web()`, `nursery.worker(crash=…)`."""

    def __init__(self, **env):
        self.port = free_port()
        self.env = {**env, "NURSERY_PORT": self.port, "LOOP": "external", "RATE_LIMITS": "0"}
        self.log = env["DATA_DIR"] / "nursery.log"
        self.n_armed = 0  # how many were to kill themselves

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
        """What the loop and the reconciler would have done that many seconds from now; back when it is done."""
        Process(self._ask(role="settle", crash="", after=after)).has_died(60)

    def _ask(self, **wish):
        self.n_armed += bool(wish["crash"])
        print(json.dumps(wish), file=self.program.stdin, flush=True)
        answer = json.loads(self.program.stdout.readline() or "{}")
        assert "pid" in answer, f"the nursery has no child:\n{self.tail()}"
        return answer["pid"]

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


# ---- Inside ----------------------------------------------------------------------------------------------------------


def main():
    os.environ["DJANGO_SETTINGS_MODULE"] = "cinema.settings"
    end_with_parent(signal.SIGKILL)
    load_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        print(json.dumps(bear(json.loads(line))), flush=True)


def load_everything():
    """All that a process imports, also lazily, and nothing that opens a connection."""
    import stripe
    from django.urls import get_resolver

    asgi = importlib.import_module("asgi")
    for module in LAZY:
        importlib.import_module(module)
    client = stripe.StripeClient("sk_test_nothing", http_client=stripe.RequestsClient())
    _ = client.v1.checkout.sessions, client.v1.refunds, client.v1.events, get_resolver().url_patterns
    asgi.tune_collector()


def bear(wish):
    """Fork one; answers when it is ready for what may come."""
    ready, says = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ready)
            live(wish, says)
        except BaseException:
            importlib.import_module("traceback").print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.close(says)
    is_ready = os.read(ready, 1)
    os.close(ready)
    return {"pid": pid} if is_ready else {}


def live(wish, says):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    if wish["crash"]:
        arm(*wish["crash"].split())
    if wish["role"] == "web":
        serve(says)
    elif wish["role"] == "worker":
        work(says)
    else:
        os.write(says, b".")
        settle(timedelta(seconds=wish["after"]))


def serve(says):
    import uvicorn

    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", int(os.environ["NURSERY_PORT"])))
    door.listen(128)
    config = uvicorn.Config("asgi:application", lifespan="off", access_log=False, log_config=None, ws="none")
    config.load()
    os.write(says, b".")
    uvicorn.Server(config).run(sockets=[door])


def work(says):
    from booking import loop
    from booking.outbox import worker

    worker.CLAIM, worker.RENEW = CLAIM, CLAIM / 3
    loop.LEASE, loop.RENEW = LEASE, LEASE / 3
    os.write(says, b".")
    loop.Loop(threading.Event()).run()


def settle(after):
    """Chores and promises by hand, until there is nothing left to do."""
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
        getattr(owner, parts[-1])  # said loudly when the product has no such name any more
        return owner, parts[-1]
    raise LookupError(name)


if __name__ == "__main__":
    main()
