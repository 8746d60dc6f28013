from django.urls import path

from booking.pages import api, best

app_name = "booking-api"
urlpatterns = [
    path("showtimes/<id:showtime_id>/map/", api.seat_map, name="map"),
    path("showtimes/<id:showtime_id>/lock/", api.lock, name="lock"),
    path("showtimes/<id:showtime_id>/best/", best.best, name="best"),
    path("bookings/<slug:reference>/", api.booking, name="booking"),
]
