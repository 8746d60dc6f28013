"""The product behind each command that serves it, with the access log that the command writes by itself."""

from contextlib import contextmanager

from bench.support.servers import Server, start_server, with_demo_listings


class PlainServer(Server):
    """A server that prints no greeting of ours."""

    def is_ready(self, log_start):
        return self.is_healthy()


class UvicornCommand(PlainServer):
    def arguments(self):
        return ["-m", "uvicorn", "asgi:application", f"--port={self.port}"]


class DaphneCommand(PlainServer):
    def arguments(self):
        return ["-m", "daphne", "asgi:application", f"--port={self.port}"]


class Runserver(PlainServer):
    def arguments(self):
        return ["manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"]


class WebProcess(PlainServer):
    """One web process of the cluster."""

    def arguments(self):
        return ["-m", "realtime.launcher.web"]


CLASSES = {"uvicorn": UvicornCommand, "daphne": DaphneCommand, "runserver": Runserver, "web process": WebProcess}
COMMANDS = ("serve", *CLASSES)


@contextmanager
def serving(command, **env):
    settings = {"DEMO_STAFF_PASSWORD": "for tests", "WS_HEARTBEAT_SECONDS": "1", **env}  # the demo database's password
    if command == "serve":
        started = start_server(**settings)
    else:
        started = CLASSES[command](command, with_demo_listings(settings), start_timeout=60).start()
    with started as server:
        yield server
