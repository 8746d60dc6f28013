"""One web process of a cluster: uvicorn on the shared port. `python -m realtime.launcher.web`."""

from __future__ import annotations

import os

import django
import uvicorn
from django.conf import settings

from realtime.fast_path.uvicorn_frames import choose_websocket_protocol
from realtime.fast_path.uvicorn_server import make_server
from realtime.launcher.processes import bind_shared_socket
from realtime.launcher.shutdown import CHILD_EXIT_DEADLINE, REQUEST_TIMEOUT, exit_now, set_exit_deadline


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")
    django.setup()
    from realtime.fast_path.uvicorn_http import choose_http_protocol  # these need Django
    from realtime.launcher.drain import drain  # needs Django
    from realtime.live.protocol import LARGEST_MESSAGE, failure_bye

    config = uvicorn.Config(
        "asgi:application",
        http=choose_http_protocol(),
        ws=choose_websocket_protocol(failure_bye),
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_MESSAGE,
        timeout_graceful_shutdown=int(REQUEST_TIMEOUT),
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the product reads TRUSTED_PROXIES itself
    )
    server = make_server(config, drain=drain, on_exit=lambda: set_exit_deadline(CHILD_EXIT_DEADLINE))
    config.load()  # before the process listens: no connection waits for the imports
    server.run(sockets=[bind_shared_socket(settings.PORT, listen=True)])
    exit_now()


if __name__ == "__main__":
    main()
