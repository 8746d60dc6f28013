"""daphne in this process, with an end that is announced: refuse new sockets, say bye, finish requests, stop.

Relies on daphne 4.2, undocumented: the METHODS of `daphne.server.Server`, which it calls and which are overridden here;
`connections`, a dict with the details of each protocol, among them its task as `application_instance`; and the
`application_type` of a WebSocket's protocol. The methods are checked when the server is made, and what is missing is
logged. daphne then does not call them, and the server does without: frames are sent through ASGI, sockets are accepted
until the end, requests in progress are cut off by it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from daphne.server import Server  # first: it installs twisted's reactor on asyncio
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred

from realtime.fast_path.daphne_frames import find_frame_writer
from realtime.fast_path.shared_frames import EXTENSION

log = logging.getLogger(__name__)
reactor: Any = _reactor  # twisted sets its attributes when it is installed

METHODS = ("create_application", "listen_success", "listen_error", "kill_all_applications")
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class DrainingServer(Server):  # type: ignore[misc]  # daphne has no types
    """Serves 127.0.0.1 until SIGTERM or SIGINT.

    Args:
        drain: says bye to the sockets, in bounded time.
        on_exit: called at the first signal.
        request_timeout: seconds that requests in progress get to finish.
    """

    def __init__(
        self,
        application: Any,
        *,
        port: int,
        drain: Callable[[], Awaitable[None]],
        on_exit: Callable[[], None],
        request_timeout: float,
    ) -> None:
        missing = [name for name in METHODS if not hasattr(Server, name)]
        if missing:
            log.warning("daphne's server has no %s: it does without them", missing)
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface=127.0.0.1"],
            signal_handlers=False,
            verbosity=0,
        )
        self.drain, self.on_exit, self.request_timeout = drain, on_exit, request_timeout
        self.listening: list[Any] = []
        self.failure = ""
        self.shutdown_task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Returns after the end; `failure` says why it could not listen."""
        reactor.callLater(0, self._handle_signals)
        super().run()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            try:
                loop.add_signal_handler(number, self.start_shutdown)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.start_shutdown))

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket" and (writer := find_frame_writer(protocol)):
            scope.setdefault("extensions", {})[EXTENSION] = writer
        return super().create_application(protocol, scope)

    def listen_success(self, port: Any) -> None:
        self.listening.append(port)
        super().listen_success(port)

    def listen_error(self, failure: Any) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()

    def start_shutdown(self) -> None:
        """Once; a second signal changes nothing."""
        if self.shutdown_task is None:
            self.on_exit()
            self.shutdown_task = asyncio.get_running_loop().create_task(self._shut_down())

    async def _shut_down(self) -> None:
        for listener in self.listening:
            listener.stopListening()
        await self.drain()
        await self._wait_for_requests()
        self.stop()

    async def _wait_for_requests(self) -> None:
        deadline = asyncio.get_running_loop().time() + self.request_timeout
        while any(getattr(protocol, "application_type", "http") == "http" for protocol, _ in self._running()):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.02)

    def _running(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        """(protocol, task) of each request and socket."""
        details = getattr(self, "connections", {}).items()
        pairs = [(protocol, each.get("application_instance")) for protocol, each in details]
        return [(protocol, task) for protocol, task in pairs if task is not None and not task.done()]

    def kill_all_applications(self) -> Any:
        """As daphne's own, which fails on a connection that is open and idle; waits half a second at most."""
        tasks = [task for _, task in self._running()]
        if not tasks:
            return None
        for task in tasks:
            task.cancel()
        return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait(tasks, timeout=0.5)))
