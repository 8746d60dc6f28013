from django.urls import path

from booking.pages import bookings as booking_pages
from booking.pages import showtime as showtime_pages

app_name = "booking"
urlpatterns = [
    path("showtimes/<int:showtime_id>/", showtime_pages.showtime, name="showtime"),
    path("showtimes/<int:showtime_id>/basket/", showtime_pages.basket, name="basket"),
    path("bookings/", booking_pages.bookings, name="bookings"),
    path("bookings/<slug:reference>/", booking_pages.booking, name="booking"),
    path("bookings/<slug:reference>/calendar.ics", booking_pages.calendar, name="calendar"),
]
