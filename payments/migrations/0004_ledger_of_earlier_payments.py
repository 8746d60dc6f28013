"""The ledger was begun after the first payments: their lines are written from what their rows say."""

from django.db import migrations

NOTE = "Written when the ledger was begun."
PAYMENT_STEPS = {
    "open": "payment.opened",
    "paid": "payment.paid",
    "processing": "payment.processing",
    "expired": "payment.expired",
    "failed": "payment.failed",
}


def write_lines(apps, schema_editor):
    LedgerEntry = apps.get_model("payments", "LedgerEntry")
    Payment = apps.get_model("payments", "Payment")
    for payment in Payment.objects.filter(ledger=None).order_by("pk").prefetch_related("refunds").iterator(500):
        lines = list(lines_of_payment(payment))
        for refund in payment.refunds.order_by("pk"):
            lines += lines_of_refund(refund)
        LedgerEntry.objects.bulk_create(
            LedgerEntry(booking_id=payment.booking_id, payment=payment, currency=payment.currency, note=NOTE, **line)
            for line in lines
        )


def lines_of_payment(payment):
    yield {"kind": "payment.created", "after": "created", "actor": "buyer", "at": payment.created_at}
    if payment.status in PAYMENT_STEPS:
        yield {
            "kind": PAYMENT_STEPS[payment.status],
            "amount": (payment.received or 0) if payment.status == "paid" else 0,
            "before": "created",
            "after": payment.status,
            "actor": payment.provider,
            "gateway_id": payment.payment_intent or payment.session_id or "",
            "at": payment.settled_at or payment.created_at,
        }


def lines_of_refund(refund):
    by = {"refund": refund, "gateway_id": refund.refund_id or ""}
    yield by | {"kind": "refund.requested", "after": "requested", "actor": "system", "at": refund.created_at}
    if refund.status != "requested":
        yield by | {
            "kind": f"refund.{refund.status}",
            "amount": -refund.amount if refund.status == "succeeded" else 0,
            "before": "requested",
            "after": refund.status,
            "actor": refund.payment.provider,
            "at": refund.settled_at or refund.created_at,
        }


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_ledger_by_time"),
    ]

    operations = [
        migrations.RunPython(write_lines, migrations.RunPython.noop),
    ]
