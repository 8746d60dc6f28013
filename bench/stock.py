"""The baseline: a live map as in the Channels tutorial. Each viewer is a consumer in a group of Redis pub/sub; a change
is sent with `group_send`, and the handler of every consumer sends its JSON.

`POST /publish` (the body is the message) replaces the lock and uses no database, which favours the baseline.
"""

from __future__ import annotations

import json
import os
from typing import Any

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for the benchmark",
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "channels"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["STOCK_REDIS_URL"]]},
        }
    },
)
django.setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import re_path  # noqa: E402


class SeatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        self.group = f"showtime_{self.scope['url_route']['kwargs']['showtime']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def seats_changed(self, event: dict[str, Any]) -> None:
        await self.send_json(event["message"])


async def publish(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    await get_channel_layer().group_send("showtime_1", {"type": "seats.changed", "message": json.loads(body)})
    await send({"type": "http.response.start", "status": 204, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


application = ProtocolTypeRouter(
    {
        "http": publish,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([re_path(r"^ws/showtime/(?P<showtime>\d+)/$", SeatConsumer.as_asgi())]))
        ),
    }
)
