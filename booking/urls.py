from django.urls import path

from booking import booking_pages, pages

app_name = "booking"
urlpatterns = [
    path("showtimes/<int:showtime_id>/", pages.showtime, name="showtime"),
    path("showtimes/<int:showtime_id>/basket/", pages.basket, name="basket"),
    path("bookings/", booking_pages.bookings, name="bookings"),
    path("bookings/<slug:reference>/", booking_pages.booking, name="booking"),
    path("bookings/<slug:reference>/calendar.ics", booking_pages.calendar, name="calendar"),
]
