"""Admin pages of sales: actions on showtimes, and bookings, read-only. Seats are written by use cases only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.models import Booking, Ticket
from booking.showtimes.sales import open_sales
from cinema.admin.catalogue import ModelAdmin, ReadOnly, ShowtimeAdmin, TabularInline, link_to
from cinema.currencies import format_money
from cinema.database import clock
from cinema.models import Showtime

admin.site.unregister(Showtime)


@admin.register(Showtime)
class SellingShowtimeAdmin(ShowtimeAdmin):
    """The showtime pages of `cinema.admin` with the actions "open sales" and "cancel"."""

    actions = ("open_sales", "call_off")

    @admin.action(description=gettext_lazy("Open sales"), permissions=["change"])
    def open_sales(self, request: HttpRequest, queryset: QuerySet[Showtime]) -> None:
        at = clock.now()
        opened = 0
        for showtime in queryset.order_by("pk"):
            opened += self._open(request, showtime, at)
        words = ngettext("Sales are open for %d showing.", "Sales are open for %d showings.", opened)
        self.message_user(request, words % opened, messages.SUCCESS if opened else messages.WARNING)

    @admin.action(description=gettext_lazy("Cancel, with refunds"), permissions=["change"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[Showtime]) -> HttpResponse | None:
        """Redirect to the confirmation page. One showtime at a time: each cancellation is confirmed alone."""
        chosen = list(queryset.values_list("pk", flat=True)[:2])
        if len(chosen) == 1:
            return redirect("payments:staff-cancel-showtime", chosen[0])
        self.message_user(request, _("Choose one showing to cancel; each is a matter of its own."), messages.WARNING)
        return None

    def _open(self, request: HttpRequest, showtime: Showtime, at: datetime) -> bool:
        """Open sales. Returns False, with a message, when the showtime is over, cancelled or has no prices."""
        state = showtime.sales(at)
        if state in ("cancelled", "closed"):
            words = _("%(showtime)s is cancelled.") if state == "cancelled" else _("%(showtime)s is over.")
            self.message_user(request, words % {"showtime": showtime}, messages.WARNING)
            return False
        if not showtime.prices:
            self.message_user(request, _("%(showtime)s has no prices yet.") % {"showtime": showtime}, messages.WARNING)
            return False
        open_sales(showtime_id=showtime.pk, at=at)
        return True

    def response_add(self, request: HttpRequest, obj: Showtime, *args: Any, **options: Any) -> HttpResponse:
        if not self._open_if_asked(request, obj):
            link = link_to(obj, _("Its page"))
            self.message_user(
                request, format_html("{} {}", _("It is not on sale yet."), link), messages.WARNING
            )  # fmt: skip
        return super().response_add(request, obj, *args, **options)

    def response_change(self, request: HttpRequest, obj: Showtime) -> HttpResponse:
        self._open_if_asked(request, obj)
        return super().response_change(request, obj)

    def _open_if_asked(self, request: HttpRequest, showtime: Showtime) -> bool:
        if "_open_sales" not in request.POST or not self._open(request, showtime, clock.now()):
            return False
        self.message_user(request, _("Sales are open for %(showtime)s.") % {"showtime": showtime}, messages.SUCCESS)
        return True


class TicketInline(ReadOnly, TabularInline[Ticket, Booking]):
    model = Ticket
    extra = 0
    fields = ("label", "category", "cost", "status", "used_at")
    readonly_fields = ("cost",)

    @admin.display(description=gettext_lazy("price"))
    def cost(self, ticket: Ticket) -> str:
        return format_money(ticket.price, ticket.booking.currency)


@admin.register(Booking)
class BookingAdmin(ReadOnly, ModelAdmin[Booking]):
    """Read-only: use cases change bookings, never a form."""

    list_display = ("reference", "email", "film", "starts_at", "status", "seats", "cost", "created_at")
    list_filter = ("status", "demo", "created_at")
    list_select_related = ("showtime__movie", "showtime__screen__cinema")
    list_per_page = 50
    search_fields = ("reference", "email")
    search_help_text = gettext_lazy("Reference or mail address")
    inlines = (TicketInline,)
    fields = (
        "reference", "page", "timeline", "status", "end_reason", "showtime_link", "email", "seats", "cost",
        "refunded_cost", "demo", "created_at", "checkout_at", "confirmed_at", "ended_at", "locked_until",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("page"))
    def page(self, booking: Booking) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', booking.get_absolute_url())

    @admin.display(description=gettext_lazy("story"))
    def timeline(self, booking: Booking) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', reverse("payments:staff-booking", args=[booking.reference]))

    @admin.display(description=gettext_lazy("film"), ordering="showtime__movie__title")
    def film(self, booking: Booking) -> SafeString | str:
        return link_to(booking.showtime, booking.showtime.movie.title)

    @admin.display(description=gettext_lazy("showing"))
    def showtime_link(self, booking: Booking) -> SafeString | str:
        return link_to(booking.showtime)

    @admin.display(description=gettext_lazy("starts at"), ordering="showtime__starts_at")
    def starts_at(self, booking: Booking) -> datetime:
        return booking.showtime.starts_at

    @admin.display(description=gettext_lazy("seats"), ordering="n_seats")
    def seats(self, booking: Booking) -> int:
        return booking.n_seats

    @admin.display(description=gettext_lazy("total"), ordering="total")
    def cost(self, booking: Booking) -> str:
        return format_money(booking.total, booking.currency) if booking.total else "–"

    @admin.display(description=gettext_lazy("asked back"))
    def refunded_cost(self, booking: Booking) -> str:
        return format_money(booking.refunded, booking.currency)
