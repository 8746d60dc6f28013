"""The admin pages of money, read-only: rows here are written by the use cases."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cinema.admin.catalogue import ModelAdmin, ReadOnly, TabularInline, link_to
from cinema.currencies import format_money
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund, RefundSeat, StripeWebhookEvent


class RefundInline(ReadOnly, TabularInline[Refund, Payment]):
    model = Refund
    extra = 0
    fields = ("sum", "reason", "status", "refund_id", "failure", "created_at", "settled_at")
    readonly_fields = ("sum",)

    @admin.display(description=gettext_lazy("amount"))
    def sum(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.payment.currency)


class RefundSeatInline(ReadOnly, TabularInline[RefundSeat, Refund]):
    model = RefundSeat
    extra = 0
    fields = ("ticket", "back", "kept_amount")
    readonly_fields = ("back", "kept_amount")

    @admin.display(description=gettext_lazy("goes back"))
    def back(self, seat: RefundSeat) -> str:
        return format_money(seat.amount, seat.refund.payment.currency)

    @admin.display(description=gettext_lazy("kept"))
    def kept_amount(self, seat: RefundSeat) -> str:
        return format_money(seat.kept, seat.refund.payment.currency)


@admin.register(Payment)
class PaymentAdmin(ReadOnly, ModelAdmin[Payment]):
    list_display = ("created_at", "booking_link", "email", "sum", "status", "provider", "late", "mismatch", "disputed")
    list_display_links = ("created_at",)
    list_filter = ("status", "provider", "late", "mismatch", "disputed", "created_at")
    list_select_related = ("booking",)
    list_per_page = 50
    search_fields = ("booking__reference", "email", "session_id", "payment_intent")
    search_help_text = gettext_lazy("Reference, mail address or the gateway's own name")
    inlines = (RefundInline,)
    fields = (
        "booking_link", "email", "sum", "took", "status", "provider", "livemode", "late", "mismatch", "disputed",
        "abandoned", "session_id", "payment_intent", "created_at", "expires_at", "settled_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("booking"), ordering="booking__reference")
    def booking_link(self, payment: Payment) -> SafeString | str:
        return link_to(payment.booking)

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def sum(self, payment: Payment) -> str:
        return format_money(payment.amount, payment.currency)

    @admin.display(description=gettext_lazy("received"))
    def took(self, payment: Payment) -> str:
        return "–" if payment.received is None else format_money(payment.received, payment.currency)


@admin.register(Refund)
class RefundAdmin(ReadOnly, ModelAdmin[Refund]):
    list_display = ("created_at", "booking_link", "sum", "reason", "status", "actor")
    list_filter = ("status", "reason")
    list_select_related = ("payment__booking",)
    search_fields = ("payment__booking__reference", "payment__email", "refund_id")
    inlines = (RefundSeatInline,)
    fields = (
        "booking_link", "sum", "reason", "actor", "status", "refund_id", "failure", "replaces", "created_at",
        "settled_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("booking"))
    def booking_link(self, refund: Refund) -> SafeString | str:
        return link_to(refund.payment.booking)

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def sum(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.payment.currency)


@admin.register(StripeWebhookEvent)
class EventAdmin(ReadOnly, ModelAdmin[StripeWebhookEvent]):
    list_display = ("received_at", "kind", "outcome", "provider", "event_id")
    list_filter = ("outcome", "provider", "kind")
    search_fields = ("event_id", "payment__booking__reference")
    fields = ("event_id", "kind", "outcome", "provider", "received_at")


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly, ModelAdmin[LedgerEntry]):
    list_display = ("at", "booking_link", "kind", "moved", "before", "after", "actor")
    list_filter = ("kind",)
    list_select_related = ("booking",)
    list_per_page = 50
    search_fields = ("booking__reference", "gateway_id", "event_id")
    ordering = ("-id",)
    fields = (
        "at", "booking_link", "kind", "moved", "before", "after", "actor", "gateway_id", "event_id", "note",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("booking"))
    def booking_link(self, entry: LedgerEntry) -> SafeString | str:
        return link_to(entry.booking)

    @admin.display(description=gettext_lazy("moved"))
    def moved(self, entry: LedgerEntry) -> str:
        return format_money(entry.amount, entry.currency) if entry.amount else "–"


@admin.register(MoneyAlert)
class MoneyAlertAdmin(ReadOnly, ModelAdmin[MoneyAlert]):
    """Read-only; alerts are closed on the staff page of money, with words on how."""

    list_display = ("raised_at", "kind", "text", "closed_at", "closed_by")
    list_filter = ("kind", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("subject", "booking__reference", "text")
    fields = ("subject", "kind", "text", "raised_at", "closed_at", "closed_by", "resolution")
