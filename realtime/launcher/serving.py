"""Daphne in this process, with an end that tells everybody: refuse new sockets, say bye, close, be gone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.server import Server
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred

from realtime.fast_path import shared_frames
from realtime.launcher.shutdown import LAST_MOMENT, REQUEST_SECONDS, be_gone_in, say_bye

reactor: Any = _reactor  # twisted sets its attributes when it is installed

LARGEST_FRAME = 4096  # that is taken; a message of many is cut off at LARGEST_MESSAGE
LARGEST_MESSAGE = 1 << 20  # daphne's WebSocket library holds what we send to it, too: maps and boards are long


class DrainingServer(Server):  # type: ignore[misc]  # daphne has no types
    """Serves until SIGTERM or SIGINT; then `run()` returns within LAST_MOMENT seconds or the process ends itself."""

    def __init__(self, application: Any, *, port: int, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(
            application,
            endpoints=build_endpoint_description_strings(host="127.0.0.1", port=port),
            signal_handlers=False,
            websocket_max_message_size=LARGEST_MESSAGE,
            websocket_max_frame_size=LARGEST_FRAME,
            verbosity=0,
        )
        self.drain = drain
        self.doors: list[Any] = []
        self.failure = ""
        self.ending: asyncio.Task[None] | None = None

    def run(self) -> None:
        self._hear_signals()
        super().run()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket" and (post := shared_frames.find_frame_writer(protocol)):
            scope.setdefault("extensions", {})[shared_frames.EXTENSION] = post
        return super().create_application(protocol, scope)

    def listen_success(self, port: Any) -> None:
        self.doors.append(port)
        super().listen_success(port)

    def listen_error(self, failure: Any) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()

    def _hear_signals(self) -> None:
        loop = reactor._asyncioEventloop
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.begin_end)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.begin_end))

    def begin_end(self) -> None:
        """Start the end once; a second signal changes nothing."""
        if self.ending is None:
            be_gone_in(LAST_MOMENT)
            self.ending = reactor._asyncioEventloop.create_task(self.end())

    async def end(self) -> None:
        for door in self.doors:
            door.stopListening()
        await say_bye(self.drain)
        await self._wait_for_requests()
        self.stop()

    async def _wait_for_requests(self) -> None:
        """Requests that are being answered get a moment to finish."""
        deadline = asyncio.get_running_loop().time() + REQUEST_SECONDS
        while any(isinstance(protocol, WebRequest) for protocol, _ in self._at_work()):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.02)

    def _at_work(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        pairs = [(protocol, details.get("application_instance")) for protocol, details in self.connections.items()]
        return [(protocol, task) for protocol, task in pairs if task is not None and not task.done()]

    def kill_all_applications(self) -> Any:
        """As daphne's own, which fails on a connection that is open and idle; waits half a second at most."""
        tasks = [task for _, task in self._at_work()]
        if not tasks:
            return None
        for task in tasks:
            task.cancel()
        return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait(tasks, timeout=0.5)))
