from django.conf import settings
from django.urls import path

from payments import webhook
from payments.dashboard import pages as dashboard_pages
from payments.pages import api, cancel, checkout, demo, way_back
from payments.staff import bookings, money
from payments.staff import cancel as cancel_by_staff

app_name = "payments"

urlpatterns = [
    path("movies/admin-dashboard/", dashboard_pages.dashboard, name="dashboard"),
    path("showtimes/<id:showtime_id>/checkout/", checkout.checkout, name="checkout"),
    path("bookings/<slug:reference>/cancel/", cancel.cancel_tickets, name="cancel-tickets"),
    path("payments/return/<slug:reference>/", way_back.payment_return, name="return"),
    path("payments/cancel/<slug:reference>/", way_back.payment_cancel, name="cancel"),
    path("payments/stripe/webhook/", webhook.webhook, name="webhook"),
    path("api/showtimes/<id:showtime_id>/checkout/", api.checkout, name="checkout-api"),
    path("api/bookings/<slug:reference>/cancellation/", api.cancellation, name="cancellation"),
    path("staff/bookings/", bookings.search, name="staff-bookings"),
    path("staff/bookings/<slug:reference>/", bookings.timeline, name="staff-booking"),
    path("staff/bookings/<slug:reference>/cancel/", cancel_by_staff.cancel_tickets, name="staff-cancel"),
    path("staff/bookings/<slug:reference>/mail/", bookings.resend_mail, name="staff-mail"),
    path(
        "staff/showtimes/<id:showtime_id>/cancel/", cancel_by_staff.cancel_whole_showtime, name="staff-cancel-showtime"
    ),
    path("staff/money/", money.overview, name="staff-money"),
    path("staff/money/alerts/<id:alert_id>/close/", money.close_alert, name="staff-alert-close"),
    path("staff/money/promises/<id:message_id>/again/", money.retry_message, name="staff-message-again"),
    path("staff/money/refunds/<id:refund_id>/again/", money.retry_refund, name="staff-refund-again"),
]
if settings.DEMO_PAYMENTS:  # without it the path does not exist
    urlpatterns.append(path("payments/demo/<str:session_id>/", demo.demo_payment, name="demo"))
