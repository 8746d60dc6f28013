from django.conf import settings
from django.urls import path

from payments import api, dashboard, demo_pages, pages, webhook

app_name = "payments"

urlpatterns = [
    path("movies/admin-dashboard/", dashboard.dashboard, name="dashboard"),
    path("showtimes/<int:showtime_id>/checkout/", pages.checkout, name="checkout"),
    path("payments/return/<slug:reference>/", pages.come_back, name="return"),
    path("payments/cancel/<slug:reference>/", pages.cancel, name="cancel"),
    path("payments/stripe/webhook/", webhook.webhook, name="webhook"),
    path("api/showtimes/<int:showtime_id>/checkout/", api.checkout, name="checkout-api"),
]
if settings.DEMO_PAYMENTS:  # otherwise there is no such address at all
    urlpatterns.append(path("payments/demo/<str:session_id>/", demo_pages.demo_payment, name="demo"))
