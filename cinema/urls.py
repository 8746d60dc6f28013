"""The site map. It names other apps only by string, because `cinema` must not import them."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from cinema.accounts.pages import account

handler429 = "cinema.accounts.pages.too_many_requests"  # read by allauth, not by Django
urlpatterns = [
    path("", include("payments.urls")),  # first: movies/admin-dashboard/ is not the slug of a film
    path("", include("cinema.site_urls")),
    path("", include("booking.urls")),
    path("", include("realtime.urls")),
    path("api/", include("cinema.api_urls")),
    path("api/", include("booking.api_urls")),
    path("accounts/", account, name="account"),
    path("accounts/", include("allauth.urls")),
    path("admin/login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    # The admin's own page looks at any number of old passwords, and tells nobody of the change.
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
]
