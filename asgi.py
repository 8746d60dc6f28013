"""HTTP and WebSocket, wired. A process that imports this module serves: it also runs the loop, where LOOP=inside."""
# ruff: noqa: E402 (the apps must be loaded before what uses them is imported)

import gc
import logging
import os
import threading
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")

import django

django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.db import Error, connections

from booking import loop
from booking.seats import epochs
from cinema.database import clock
from cinema.log_lines import log_text
from realtime.fast_path.daphne_access_log import clean_access_log
from realtime.fast_path.daphne_http import limit_daphne
from realtime.fast_path.daphne_sockets import limit_messages
from realtime.fast_path.http_handler import make_http_application
from realtime.http_requests import with_request_limits
from realtime.launcher.drain import lifespan
from realtime.live.protocol import LARGEST_MESSAGE, failure_bye
from realtime.routing import websocket_urlpatterns
from realtime.sockets import limits

log = logging.getLogger(__name__)

router = ProtocolTypeRouter(
    {
        "http": with_request_limits(make_http_application()),
        "websocket": URLRouter(websocket_urlpatterns),
        "lifespan": lifespan,
    }
)
_is_tuned = False
limits.raise_limits()
clock.follow()
limit_messages(LARGEST_MESSAGE, failure_bye)
clean_access_log(log_text)
limit_daphne()


def rotate_epochs() -> None:
    """Give every map a new epoch (rule R6): a start alone with its database may follow a restored backup."""
    try:
        epochs.rotate_epochs()
    except Error as error:
        log.warning("The maps' epochs were not changed (is the database migrated?): %s", error)
    finally:
        connections.close_all()


def tune_collector() -> None:
    """Exempt all loaded objects from the cycle collector: they stay (a twofold gain with many sockets)."""
    global _is_tuned
    _is_tuned = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if not _is_tuned and scope["type"] != "lifespan":
        tune_collector()
    await router(scope, receive, send)


if settings.LOOP == "inside":
    if not settings.REDIS_URL:
        # In a thread: some servers import this inside their event loop, where Django refuses to use the database.
        rotation = threading.Thread(target=rotate_epochs, name="rotate epochs")
        rotation.start()
        rotation.join()
    loop.start_inside()
