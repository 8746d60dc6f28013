from django.urls import path

from realtime import health

app_name = "realtime"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
