from django.urls import path

from realtime.pages import board as board_pages
from realtime.pages import health
from realtime.pages import metrics as metrics_page

app_name = "realtime"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("staff/board/", board_pages.board, name="board"),
    path("metrics", metrics_page.metrics, name="metrics"),
    path("readyz", health.readyz, name="readyz"),
]
