from django.urls import path

from booking.pages import api

app_name = "booking-api"
urlpatterns = [
    path("showtimes/<id:showtime_id>/map/", api.seat_map, name="map"),
    path("showtimes/<id:showtime_id>/lock/", api.lock, name="lock"),
    path("bookings/<slug:reference>/", api.booking, name="booking"),
]
