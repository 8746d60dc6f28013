"""URLs of the JSON about showtimes and layouts, under /api/."""

from django.urls import path

from cinema.whats_on import api

app_name = "cinema-api"
urlpatterns = [
    path("showtimes/", api.showtimes, name="showtimes"),
    path("showtimes/<id:showtime_id>/", api.showtime, name="showtime"),
    path("layouts/<str:layout_hash>/", api.layout, name="layout"),
]
