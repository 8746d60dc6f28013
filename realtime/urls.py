from django.urls import path

from realtime import health, metrics, pages

app_name = "realtime"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("staff/board/", pages.board, name="board"),
    path("metrics", metrics.metrics, name="metrics"),
    path("readyz", health.readyz, name="readyz"),
]
