"""The admin site: signed-in users who are not staff get 403 instead of the sign-in page.

It changes refund terms and accounts, so it asks for a second factor where that is a duty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from cinema.accounts.second_factor import lead_to_second_factor


class BackOffice(AdminSite):
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded: Callable[..., HttpResponse] = super().admin_view(view, cacheable)

        @wraps(view)
        def view_for_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return lead_to_second_factor(request) or guarded(request, *args, **kwargs)

        return view_for_staff
