"""The product on copies of uvicorn and daphne in which all that it relies on has another name: it serves and ends."""

import importlib.util
import re
import shutil
import signal
from pathlib import Path

import pytest

from bench.support.servers import start_server
from tests.realtime.servers import LiveMap, UvicornServer, Visitor, start_uvicorn

pytestmark = pytest.mark.server

NAMES = {
    "uvicorn": ("WebSocketsSansIOProtocol", "cycle", "handle_exit", "handle_websocket_upgrade"),
    "daphne": (
        "application_type",
        "basic_error",
        "connections",
        "create_application",
        "kill_all_applications",
        "listen_success",
    ),
}
WARNINGS = {
    "uvicorn": (
        "connections without a request have no timeout",
        "frames are sent through ASGI",
        "by the ASGI lifespan",
    ),
    "daphne": ("daphne's server has no", "bodies are limited once they are read"),
}


class WebProcess(UvicornServer):
    """`python -m realtime.launcher.web`, as the cluster starts it."""

    def arguments(self):
        return ["-m", "realtime.launcher.web"]


def renamed_copy(package, folder):
    """A copy of an installed package with other names, in a folder for PYTHONPATH."""
    installed = Path(importlib.util.find_spec(package).origin).parent
    shutil.copytree(installed, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (folder / package).rglob("*.py"):
        text = file.read_text()
        for name in NAMES[package]:
            text = re.sub(rf"\b{name}\b", f"renamed_{name}", text)
        file.write_text(text)
    return folder


@pytest.fixture(params=NAMES)
def server(request, tmp_path, monkeypatch):
    path = str(renamed_copy(request.param, tmp_path))
    if request.param == "daphne":
        start = start_server
    else:
        monkeypatch.setattr("tests.realtime.servers.UvicornServer", WebProcess)
        start = start_uvicorn
    with start(PYTHONPATH=path, WS_HEARTBEAT_SECONDS="1", RATE_LIMITS="1") as running:
        running.kind = request.param
        yield running


async def test_with_other_names_the_product_serves_and_ends(server):
    for warning in WARNINGS[server.kind]:
        assert warning in server.tail(200)
    visitor = Visitor(server.url)
    showtime = visitor.ask("GET", "/api/showtimes/")[1]["showtimes"][-1]
    layout = visitor.ask("GET", showtime["layout"])[1]
    state = visitor.ask("GET", showtime["map"])[1]["state"]
    free = next(seat["label"] for seat in layout["seats"] if state[seat["i"]] == "A")
    async with LiveMap(server, showtime["id"]) as bob:
        assert [(await bob.receive())["type"] for _ in range(2)] == ["hello", "snapshot"]
        status, mine = visitor.lock(showtime["id"], free)
        assert status == 200
        await bob.receive_until(lambda: bob.client.v == mine["v"])
        server.process.send_signal(signal.SIGTERM)
        last, code = await bob.wait_closed()
    assert (last["type"], code) == ("bye", 4003)
    assert server.process.wait(6) in (0, -signal.SIGTERM)  # uvicorn raises the signal again, once it has ended
