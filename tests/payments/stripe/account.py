"""The account of the stand-in: sessions, payment intents, refunds, disputes and events, by Stripe's rules."""

import itertools
import json
import secrets
import threading
import time

from tests.payments.stripe import rules
from tests.payments.stripe.delivery import Deliveries
from tests.payments.stripe.rules import ApiError

API_VERSION = "2026-10-28.endive"
PRIVATE = ("intent_metadata",)  # fields of a session that Stripe does not return
GONE = ("failed", "canceled")


class Account:
    def __init__(self):
        self.sessions, self.intents, self.refunds, self.disputes, self.events = {}, {}, {}, {}, {}
        self.refund_status = "succeeded"  # of new refunds
        self.ahead = 0.0  # seconds that Stripe's clock is ahead of this machine's
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.tag = secrets.token_hex(3)  # ids are unique across accounts and restarts
        self.deliveries = Deliveries()
        self.owed = False  # whether an endpoint is registered

    def now(self):
        return int(time.time() + self.ahead)

    # ---- Actions at Stripe -----------------------------------------------------------------------------------------

    def pay(self, session_id):
        """The buyer pays on Stripe's page. Returns the session as its event carries it."""
        with self.lock:
            session = self._payable(session_id)
            session |= {"payment_status": "paid", "payment_intent": self._new_intent(session)}
            session |= {"status": "complete", "url": None}
            session["customer_details"] = {"email": session["customer_email"]}
            self.emit("checkout.session.completed", session)
            return dict(session)

    def forget(self):
        """An account without a past."""
        with self.lock:
            for kept in (self.sessions, self.intents, self.refunds, self.disputes, self.events):
                kept.clear()

    def finish_unpaid(self, session_id):
        """The buyer has finished and the bank has not: a delayed payment method."""
        with self.lock:
            session = self._payable(session_id)
            session |= {"status": "complete", "url": None, "payment_intent": self._new_intent(session)}
            self.emit("checkout.session.completed", session)
            return dict(session)

    def finish_later(self, session_id, paid=True):
        """The bank has settled the delayed payment."""
        with self.lock:
            session = self.sessions[session_id]
            session["payment_status"] = "paid" if paid else "unpaid"
            self.emit(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session)
            return dict(session)

    def decline(self, session_id):
        """The buyer's card is declined; the session stays open. Returns the payment intent as its event carries it."""
        with self.lock:
            self._payable(session_id)
            intent = self.intent_of(session_id)
            self.emit("payment_intent.payment_failed", intent)
            return intent

    def run_out(self, session_id):
        """The session's own time passes."""
        with self.lock:
            session = self.sessions[session_id]
            session |= {"status": "expired", "url": None}
            self.emit("checkout.session.expired", session)
            return dict(session)

    def refund_in_dashboard(self, session_id, amount=None):
        """A refund made by hand, without our metadata."""
        with self.lock:
            given = {"payment_intent": self.sessions[session_id]["payment_intent"]}
            return dict(self.create_refund(given | ({"amount": str(amount)} if amount else {})))

    def settle_refund(self, refund_id, status, failure_reason="expired_or_canceled_card"):
        """A refund settles: `succeeded`, `failed` (also after it had succeeded) or `canceled`."""
        with self.lock:
            refund = self.refunds[refund_id]
            refund |= {"status": status, "failure_reason": failure_reason if status == "failed" else None}
            self.emit("refund.updated", refund)
            self.emit("charge.refund.updated", refund)
            if status == "failed":
                self.emit("refund.failed", refund)
            elif status == "succeeded":
                self.emit("charge.refunded", self.charge_of(self.intents[refund["payment_intent"]]))
            return dict(refund)

    def dispute(self, session_id, amount=None):
        """The card holder disputes the charge; the bank withdraws the money."""
        with self.lock:
            intent = self.intents[self.sessions[session_id]["payment_intent"]]
            intent["disputed"] = True
            dispute = {
                **self._named("dp", "dispute"),
                "amount": amount or intent["amount"],
                "currency": intent["currency"],
                "charge": self.charge_of(intent)["id"],
                "payment_intent": intent["id"],
                "reason": "fraudulent",
                "status": "needs_response",
                "metadata": {},
            }
            self.disputes[dispute["id"]] = dispute
            self.emit("charge.dispute.created", dispute)
            self.emit("charge.dispute.funds_withdrawn", dispute)
            return dict(dispute)

    def close_dispute(self, dispute_id, status="won"):
        with self.lock:
            dispute = self.disputes[dispute_id]
            dispute["status"] = status
            if status == "won":
                self.intents[dispute["payment_intent"]]["disputed"] = False
                self.emit("charge.dispute.funds_reinstated", dispute)
            self.emit("charge.dispute.closed", dispute)
            return dict(dispute)

    def warn_of_fraud(self, session_id):
        with self.lock:
            intent = self.intents[self.sessions[session_id]["payment_intent"]]
            warning = {
                **self._named("issfr", "radar.early_fraud_warning"),
                "actionable": True,
                "charge": self.charge_of(intent)["id"],
                "payment_intent": intent["id"],
                "fraud_type": "made_with_stolen_card",
            }
            self.emit("radar.early_fraud_warning.created", warning)
            return warning

    def sessions_of(self, reference):
        with self.lock:
            return [each for each in self.sessions.values() if each["client_reference_id"] == reference]

    # ---- Events ----------------------------------------------------------------------------------------------------

    def deliver_to(self, url, **how):
        """Deliver events to this webhook from now on: see `Deliveries.to`."""
        self.owed = True
        self.deliveries.to(url, **how)

    def deliver_nowhere(self):
        self.owed = False
        self.deliveries.stop()

    def emit(self, kind, found):
        with self.lock:
            event = json.loads(self.event(kind, found))
            self.events[event["id"]] = event
            self.deliveries.take(event, self.owed)

    def event(self, kind, found, **fields):
        """An event as Stripe would post it: body bytes. It is not stored: the test posts it itself."""
        event = {
            "id": f"evt_{self.tag}{next(self.numbers):06}",
            "object": "event",
            "api_version": API_VERSION,
            "type": kind,
            "livemode": False,
            "created": self.now(),
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "data": {"object": public(found)},
            **fields,
        }
        return json.dumps(event).encode()

    def intent_of(self, session_id, **fields):
        """The payment intent of a session after a declined card."""
        session = self.sessions[session_id]
        return {
            "id": session["payment_intent"] or f"pi_{session_id}",
            "object": "payment_intent",
            "status": "requires_payment_method",
            "amount": session["amount_total"],
            "currency": session["currency"],
            "livemode": False,
            "metadata": session["intent_metadata"],
            "last_payment_error": {"type": "card_error", "code": "card_declined"},
            **fields,
        }

    def charge_of(self, intent):
        spent = self._spent(intent)
        return {
            "id": intent["id"].replace("pi_", "ch_", 1),
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": spent,
            "refunded": spent == intent["amount"],
            "disputed": intent["disputed"],
            "currency": intent["currency"],
            "livemode": False,
            "metadata": intent["metadata"],
            "payment_intent": intent["id"],
        }

    # ---- The API ---------------------------------------------------------------------------------------------------

    def answer(self, method, path, parameters):
        """The object that this call returns. Raises ApiError."""
        with self.lock:
            self._age()
            parts = path.strip("/").split("/")
            if parts[:3] == ["v1", "checkout", "sessions"]:
                return self._answer_sessions(method, parts[3:], parameters, path)
            if parts[:2] == ["v1", "refunds"]:
                return self._answer_refunds(method, parts[2:], parameters, path)
            if parts[:2] == ["v1", "events"] and method == "GET":
                return self._read(self.events, parts[2:], parameters, rules.EVENT_LIST, path)
            if parts[:2] == ["v1", "disputes"] and method == "GET":
                return self._read(self.disputes, parts[2:], parameters, rules.DISPUTE_LIST, path)
            raise ApiError(404, f"Unrecognized request URL ({method}: {path})")

    def _answer_sessions(self, method, rest, parameters, path):
        if method == "POST" and not rest:
            return self.create_session(parameters)
        if method == "POST" and rest[1:] == ["expire"]:
            rules.read({}, parameters)
            return self.expire_session(self._find(self.sessions, rest[0]))
        if method == "GET" and len(rest) <= 1:
            return self._read(self.sessions, rest, parameters, rules.SESSION_LIST, path)
        raise ApiError(404, f"Unrecognized request URL ({method}: {path})")

    def _answer_refunds(self, method, rest, parameters, path):
        if method == "POST" and not rest:
            return self.create_refund(parameters)
        if method == "GET" and len(rest) <= 1:
            return self._read(self.refunds, rest, parameters, rules.REFUND_LIST, path)
        raise ApiError(404, f"Unrecognized request URL ({method}: {path})")

    def create_session(self, parameters):
        given = rules.read_session(parameters, self.now())
        lines = given["line_items"]
        amount = sum(line["quantity"] * line["price_data"]["unit_amount"] for line in lines)
        session = {
            **self._named("cs_test", "checkout.session"),
            "mode": given["mode"],
            "ui_mode": "hosted_page",
            "submit_type": given.get("submit_type"),
            "status": "open",
            "payment_status": "unpaid" if amount else "no_payment_required",
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": lines[0]["price_data"]["currency"],
            "payment_intent": None,
            "client_reference_id": given.get("client_reference_id"),
            "metadata": given.get("metadata", {}),
            "intent_metadata": given.get("payment_intent_data", {}).get("metadata", {}),
            "customer_email": given.get("customer_email"),
            "customer_details": None,
            "adaptive_pricing": given.get("adaptive_pricing", {"enabled": True}),
            "expires_at": given["expires_at"],
            "success_url": given["success_url"],
            "cancel_url": given.get("cancel_url"),
        }
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        self.sessions[session["id"]] = session
        return session

    def expire_session(self, session):
        if session["status"] != "open":
            raise ApiError(
                400,
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session['status']}`.",
            )
        session |= {"status": "expired", "url": None}
        self.emit("checkout.session.expired", session)
        return session

    def create_refund(self, parameters):
        given = rules.read_refund(parameters)
        intent = self._find(self.intents, given.get("payment_intent") or given["charge"].replace("ch_", "pi_", 1))
        left = intent["amount"] - self._spent(intent)
        charge = self.charge_of(intent)["id"]
        if intent["disputed"]:
            raise ApiError(400, f"Charge {charge} has been charged back.", "charge_disputed")
        if not left:
            raise ApiError(400, f"Charge {charge} has already been refunded.", "charge_already_refunded")
        amount = given.get("amount", left)
        if amount > left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise ApiError(400, message, param="amount")
        if amount % rules.LAST_DIGITS.get(intent["currency"], 1):
            raise ApiError(400, f"Invalid amount in {intent['currency']}", param="amount")
        refund = {
            **self._named("re", "refund"),
            "amount": amount,
            "charge": charge,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "reason": given.get("reason"),
            "status": self.refund_status,
            "failure_reason": None,
            "metadata": given.get("metadata", {}),
        }
        self.refunds[refund["id"]] = refund
        self.emit("refund.created", refund)
        self.emit("charge.refunded", self.charge_of(intent))
        return refund

    def _read(self, kept, rest, parameters, spec, path):
        if rest:
            rules.read({}, parameters)
            return self._find(kept, rest[0])
        given = rules.read(spec, parameters)
        if "type" in given and "types" in given:
            raise ApiError(400, "You may only specify one of these parameters: type, types.")
        kinds = given.get("types") or ([given["type"]] if "type" in given else None)
        found = []
        for each in kept.values():
            if kinds and each["type"] not in kinds:
                continue
            if (
                "delivery_success" in given
                and self.deliveries.delivered.get(each["id"]) is not given["delivery_success"]
            ):
                continue
            if all(each.get(name) == given[name] for name in ("payment_intent", "charge", "status") if name in given):
                found.append(each)
        return rules.page(found, given, path)

    def _find(self, kept, key):
        if key not in kept:
            raise ApiError(404, f"No such object: '{key}'", "resource_missing", param="id")
        return kept[key]

    def _age(self):
        for session in list(self.sessions.values()):
            if session["status"] == "open" and session["expires_at"] <= self.now():
                self.run_out(session["id"])

    def _payable(self, session_id):
        self._age()
        session = self.sessions[session_id]
        if session["status"] != "open":
            raise AssertionError(f"a buyer cannot pay a session that is {session['status']}")
        return session

    def _spent(self, intent):
        refunds = [refund for refund in self.refunds.values() if refund["payment_intent"] == intent["id"]]
        return sum(refund["amount"] for refund in refunds if refund["status"] not in GONE)

    def _named(self, prefix, kind):
        name = f"{prefix}_{self.tag}{next(self.numbers):08}"
        return {"id": name, "object": kind, "livemode": False, "created": self.now()}

    def _new_intent(self, session):
        intent = {
            "id": f"pi_{session['id']}",
            "object": "payment_intent",
            "amount": session["amount_total"],
            "currency": session["currency"],
            "status": "succeeded",
            "disputed": False,
            "created": self.now(),
            "livemode": False,
            "metadata": session["intent_metadata"],
        }
        self.intents[intent["id"]] = intent
        return intent["id"]


def public(found):
    """A copy of an object, without the stand-in's private fields."""
    return json.loads(json.dumps({name: value for name, value in found.items() if name not in PRIVATE}))
