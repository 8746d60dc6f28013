"""Every kind of event in every variant: once, twice, concurrently, under another id, refused, and out of order."""

import json
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from payments.models import StripeWebhookEvent
from tests.payments.sales import at_once, post
from tests.payments.scenarios.world import CONFIRMED, OPEN, REFUNDED, RELEASED, WAITING, End
from tests.payments.stripe.stand_in import sign

FAILED = End("failed", "released", "available", 0, "payment_problem")
REFUNDING = replace(REFUNDED, booking="refunding", refunds="submitted")
UNREFUNDED = replace(
    REFUNDED,
    booking="refunding",
    balance=2300,
    refunds="failed",
    alerts="refund-failed",
    mails="late_refund payment_problem",
)
EVENT_ID = "evt_told"
QUERY_AGE = timedelta(seconds=25)  # by then the loop repeats a create call that never returned


# ---- What happens at Stripe, and the object that its event carries ---------------------------------------------------


def paid(world):
    return world.pay()


def unpaid(world):
    return world.stripe.finish_unpaid(world.session)


def paid_after_days(world):
    delayed(world)
    return world.stripe.finish_later(world.session)


def failed_after_days(world):
    return delayed(world)


def delayed(world):
    found = world.stripe.finish_unpaid(world.session)
    world.deliver("checkout.session.completed", found)
    return found


def ran_out(world):
    return world.stripe.run_out(world.session)


def declined(world):
    return world.stripe.intent_of(world.session)


def refund(status):
    """A refund that our own call made, and whose end the event reports."""

    def happen(world):
        return world.stripe.settle_refund(world.make_late_refund()["id"], status)

    return happen


def refunded_charge(world):
    made = world.stripe.settle_refund(world.make_late_refund()["id"], "succeeded")
    return world.stripe.charge_of(world.stripe.intents[made["payment_intent"]])


def submitted_charge(world):
    """The total counts a refund as soon as it is requested, before the bank has settled it."""
    return world.stripe.charge_of(world.stripe.intents[world.make_late_refund()["payment_intent"]])


def disputed(world):
    world.confirm()
    world.has_unreported = True  # the withdrawal is another event
    return world.stripe.dispute(world.session)


def warned(world):
    world.confirm()
    return world.stripe.warn_of_fraud(world.session)


def customer(world):
    return {"id": "cus_1", "object": "customer"}


@dataclass(frozen=True)
class Kind:
    name: str
    happen: object
    end: End
    before: End = OPEN  # when the event is refused
    policy: str = "release"
    label: str = ""

    def __str__(self):
        return self.label or self.name


DISPUTED = replace(CONFIRMED, balance=0, alerts="dispute")
SUSPECT = replace(CONFIRMED, alerts="fraud-warning")
PAID_UNREPORTED = replace(OPEN, balance=2300)
KINDS = [
    Kind("checkout.session.completed", paid, CONFIRMED, PAID_UNREPORTED),
    Kind("checkout.session.completed", unpaid, WAITING, OPEN, label="checkout.session.completed unpaid"),
    Kind("checkout.session.async_payment_succeeded", paid_after_days, CONFIRMED, replace(WAITING, balance=2300)),
    Kind("checkout.session.async_payment_failed", failed_after_days, FAILED, WAITING),
    Kind("checkout.session.expired", ran_out, RELEASED, OPEN),
    Kind("payment_intent.payment_failed", declined, RELEASED),
    Kind("payment_intent.payment_failed", declined, OPEN, policy="retry", label="payment_failed, may try again"),
    Kind("refund.created", refund("pending"), REFUNDING, REFUNDING),
    Kind("refund.updated", refund("succeeded"), REFUNDED, REFUNDING),
    Kind("charge.refund.updated", refund("succeeded"), REFUNDED, REFUNDING),
    Kind("refund.failed", refund("failed"), UNREFUNDED, replace(REFUNDING, balance=2300)),
    Kind("charge.refunded", refunded_charge, REFUNDED, REFUNDING),
    Kind("charge.refunded", submitted_charge, REFUNDING, REFUNDING, label="charge.refunded, not settled"),
    Kind("charge.dispute.created", disputed, DISPUTED, replace(CONFIRMED, balance=0)),
    Kind("radar.early_fraud_warning.created", warned, SUSPECT, CONFIRMED),
    Kind("customer.created", customer, OPEN),
]
SESSION_KINDS = [kind for kind in KINDS if kind.name.startswith("checkout.session.") or kind.happen is declined]


@dataclass(frozen=True)
class Row:
    """One kind in one variant. `codes` are the webhook's answers, in order."""

    kind: Kind
    variant: str
    codes: tuple
    end: End

    def __str__(self):
        return f"{self.kind}, {self.variant}"

    @property
    def is_accepted(self):
        return self.variant not in ("wrong signature", "signed in the future")

    def play(self, world):
        world.settings.DECLINE_POLICY = self.kind.policy
        world.check_out()
        found = self.kind.happen(world)
        world.codes.clear()
        world.codes += deliver(self, world, found)
        assert tuple(world.codes) == self.codes
        assert StripeWebhookEvent.objects.filter(kind=self.kind.name, event_id=EVENT_ID).exists() == self.is_accepted
        StripeWebhookEvent.objects.filter(event_id=EVENT_ID).delete()  # the next row uses the same id
        world.pass_time(QUERY_AGE if self.variant == "before the create call returned" else timedelta(0))


def rows():
    for kind in KINDS:
        yield Row(kind, "once", (200,), kind.end)
        yield Row(kind, "twice, and again under another id", (200, 200, 200), kind.end)
        yield Row(kind, "four times at once", (200, 200, 200, 200), kind.end)
    for kind in (KINDS[0], KINDS[5], KINDS[13]):  # the check is the same for every kind
        yield Row(kind, "wrong signature", (400,), kind.before)
        yield Row(kind, "signed in the future", (400,), kind.before)
    for kind in SESSION_KINDS:
        yield Row(kind, "unknown session", (200,), kind.before)
        yield Row(kind, "before the create call returned", (200,), kind.end)
        flagged = kind.before if kind.happen is declined else replace(kind.before, alerts="mismatch")
        yield Row(kind, "wrong livemode", (200,), flagged)
    for kind in KINDS[:3:2]:
        wrong = replace(REFUNDED, alerts="mismatch")
        yield Row(kind, "wrong amount", (200,), replace(wrong, balance=1))
        yield Row(kind, "wrong currency", (200,), wrong)
        yield Row(kind, "paid, then expired", (200, 200), kind.end)
        yield Row(kind, "expired, then paid", (200, 200), kind.end)
        yield Row(kind, "declined, then paid", (200, 200), kind.end)
        yield Row(kind, "paid, then declined", (200, 200), kind.end)


def deliver(row, world, found):
    """Post what the variant says; returns the status codes in order."""
    name, stripe = row.kind.name, world.stripe
    body = stripe.event(name, found, id=EVENT_ID)
    if row.variant == "once":
        return [post(body).status_code]
    if row.variant == "twice, and again under another id":
        return [post(each).status_code for each in (body, body, stripe.event(name, found))]
    if row.variant == "four times at once":
        return [answer.status_code for answer in at_once(*[lambda: post(body)] * 4)]
    if row.variant == "wrong signature":
        return [post(body, sign(body, "whsec_somebody_else")).status_code]
    if row.variant == "signed in the future":
        return [post(body, sign(body, at=time.time() + 3600)).status_code]
    if row.variant == "before the create call returned":
        world.sale.forget_session()
        return [post(body).status_code]
    if row.variant in CHANGES:
        changed = stripe.event(name, CHANGES[row.variant](found), id=EVENT_ID)
        if row.variant == "wrong livemode":
            changed = json.dumps(json.loads(changed) | {"livemode": True}).encode()
        return [post(changed).status_code]
    return [post(each).status_code for each in _reordered(row, world, body)]


def _strange(found):
    """The same object, of a session that is not ours."""
    metadata = {"reference": "XXX-XXX-XXX", "payment": "pay_of_somebody_else"}
    strange = found | {"id": "cs_test_strange", "metadata": metadata, "payment_intent": "pi_strange"}
    return strange | ({"client_reference_id": "XXX-XXX-XXX"} if "client_reference_id" in found else {})


CHANGES = {
    "unknown session": _strange,
    "wrong livemode": lambda found: found | {"livemode": True},
    "wrong amount": lambda found: found | {"amount_total": found["amount_total"] - 1},
    "wrong currency": lambda found: found | {"currency": "usd"},
}


def _reordered(row, world, body):
    expired = world.stripe.event(
        "checkout.session.expired",
        world.stripe.sessions[world.session] | {"status": "expired", "payment_status": "unpaid"},
    )
    refused = world.stripe.event("payment_intent.payment_failed", world.stripe.intent_of(world.session))
    other = expired if "expired" in row.variant else refused
    return [body, other] if row.variant.startswith("paid") else [other, body]


ROWS = list(rows())
