"""WebSocket paths and their consumers."""

from django.urls import path, re_path

from realtime.sockets.consumers import BoardConsumer, ShowtimeConsumer, UnknownPathConsumer

websocket_urlpatterns = [
    path("ws/showtimes/<id:showtime_id>/", ShowtimeConsumer.as_asgi()),
    path("ws/board/", BoardConsumer.as_asgi()),
    re_path(r"", UnknownPathConsumer.as_asgi()),
]
