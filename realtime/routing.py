"""Which socket goes where."""

from django.urls import path, re_path

from realtime.sockets.consumers import BoardConsumer, NowhereConsumer, ShowtimeConsumer

websocket_urlpatterns = [
    path("ws/showtimes/<int:showtime_id>/", ShowtimeConsumer.as_asgi()),
    path("ws/board/", BoardConsumer.as_asgi()),
    re_path(r"", NowhereConsumer.as_asgi()),
]
