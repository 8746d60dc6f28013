from django.urls import path

from booking.pages import bookings, reminder, showtime

app_name = "booking"
urlpatterns = [
    path("showtimes/<id:showtime_id>/", showtime.showtime, name="showtime"),
    path("showtimes/<id:showtime_id>/basket/", showtime.basket, name="basket"),
    path("showtimes/reminder/", reminder.reminder, name="reminder"),
    path("bookings/", bookings.bookings, name="bookings"),
    path("bookings/<slug:reference>/", bookings.booking, name="booking"),
    path("bookings/<slug:reference>/calendar.ics", bookings.calendar, name="calendar"),
]
