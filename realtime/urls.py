from django.urls import path

from realtime import health, pages

app_name = "realtime"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("staff/board/", pages.board, name="board"),
    path("readyz", health.readyz, name="readyz"),
]
