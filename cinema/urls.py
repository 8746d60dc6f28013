"""The site map. Apps are named by string only: `cinema` knows nobody above it."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from cinema.accounts.pages import account

handler429 = "cinema.accounts.pages.too_many_requests"  # a name of allauth's, not of Django's
urlpatterns = [
    path("", include("payments.urls")),  # first: its movies/admin-dashboard/ is no film's slug
    path("", include("cinema.site_urls")),
    path("", include("booking.urls")),
    path("", include("realtime.urls")),
    path("api/", include("cinema.api_urls")),
    path("api/", include("booking.api_urls")),
    path("accounts/", account, name="account"),
    path("accounts/", include("allauth.urls")),
    path("admin/login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("admin/", admin.site.urls),
]
