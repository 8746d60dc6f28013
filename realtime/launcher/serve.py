"""One process: daphne with the whole product."""

from __future__ import annotations

from typing import Any

from realtime.fast_path.daphne_server import DrainingServer
from realtime.launcher.drain import drain
from realtime.launcher.shutdown import EXIT_DEADLINE, REQUEST_TIMEOUT, set_exit_deadline


def serve(application: Any, *, port: int) -> str:
    """Serve 127.0.0.1 until SIGTERM or SIGINT. Returns why it could not listen, or ""."""
    server = DrainingServer(
        application,
        port=port,
        drain=drain,
        on_exit=lambda: set_exit_deadline(EXIT_DEADLINE),
        request_timeout=REQUEST_TIMEOUT,
    )
    server.run()
    return server.failure
