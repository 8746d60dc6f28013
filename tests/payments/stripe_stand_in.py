"""A stateful stand-in for Stripe's API on loopback, driven by the real stripe library over HTTP.

It keeps sessions, payment intents and refunds, obeys idempotency keys (a replay answers what the first call answered,
other parameters under one key are an error), refuses what the API refuses where our code could get it wrong, signs
events as Stripe does, and does on demand what networks do: rate limits, 500, work done and then 500, a connection
dropped before or after the work, slowness.
"""

import hashlib
import hmac
import itertools
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = "sk_test_stand_in"
SECRET = "whsec_stand_in"

SESSION_PARAMETERS = {
    "mode", "submit_type", "line_items", "customer_email", "client_reference_id", "metadata", "payment_intent_data",
    "allowed_payment_method_types", "adaptive_pricing", "expires_at", "success_url", "cancel_url", "locale",
    "custom_text", "automatic_tax", "after_expiration", "invoice_creation", "payment_method_options",
}  # fmt: skip


class ApiError(Exception):
    def __init__(self, status, message, code="", kind="invalid_request_error"):
        self.status, self.body = status, {"error": {"type": kind, "code": code, "message": message}}


class StripeStandIn:
    """`with StripeStandIn() as stripe:` serves at `stripe.url`; `fault(...)` spoils the next matching calls."""

    def __init__(self):
        self.sessions, self.refunds, self.intents = {}, {}, {}
        self.replies = {}  # idempotency key -> (parameters, status, body)
        self.calls = []  # (method, path, parameters, headers)
        self.faults = []
        self.refund_status = "succeeded"  # what a new refund is at first
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # ---- What a test does ------------------------------------------------------------------------------------------

    def fault(self, kind, path="", times=1, seconds=0.0):
        """`429`, `500`, `done-500`, `drop`, `done-drop` or `slow`, for the next calls whose path contains `path`."""
        self.faults.append([kind, path, times, seconds])

    def count(self, path):
        return sum(1 for call in self.calls if path in call[1])

    def pay(self, session_id):
        """The buyer pays on Stripe's page. Returns the session as its event carries it."""
        with self.lock:
            session = self.sessions[session_id]
            if session["status"] != "open":
                raise AssertionError(f"a buyer cannot pay a session that is {session['status']}")
            session |= {"status": "complete", "payment_status": "paid", "payment_intent": self._new_intent(session)}
            return dict(session)

    def finish_unpaid(self, session_id):
        """The buyer is done, the bank is not: a delayed method."""
        with self.lock:
            session = self.sessions[session_id]
            session |= {"status": "complete", "payment_intent": self._new_intent(session)}
            return dict(session)

    def run_out(self, session_id):
        """The session's own time passes."""
        with self.lock:
            self.sessions[session_id]["status"] = "expired"
            return dict(self.sessions[session_id])

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
            **fields,
        }

    def event(self, kind, found, **fields):
        """An event as Stripe would post it: body bytes."""
        event = {
            "id": f"evt_{next(self.numbers):06}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "type": kind,
            "livemode": False,
            "created": int(time.time()),
            "data": {"object": {k: v for k, v in found.items() if k != "intent_metadata"}},
            **fields,
        }
        return json.dumps(event).encode()

    # ---- The API ---------------------------------------------------------------------------------------------------

    def answer(self, method, path, parameters, headers):
        if headers.get("Authorization") != f"Bearer {KEY}":
            raise ApiError(401, "Invalid API Key provided")
        parts = path.strip("/").split("/")
        if method == "POST" and parts == ["v1", "checkout", "sessions"]:
            return self.create_session(parameters)
        if parts[:3] == ["v1", "checkout", "sessions"] and len(parts) in (4, 5):
            session = self.sessions.get(parts[3])
            if session is None:
                raise ApiError(404, f"No such checkout.session: {parts[3]}", "resource_missing")
            if method == "GET" and len(parts) == 4:
                return session
            if method == "POST" and parts[4:] == ["expire"]:
                return self.expire_session(session)
        if parts == ["v1", "refunds"]:
            return self.create_refund(parameters) if method == "POST" else self.list_refunds(parameters)
        raise ApiError(404, f"Unrecognized request URL ({method}: {path})")

    def create_session(self, given):
        for name in given:
            if name not in SESSION_PARAMETERS:
                raise ApiError(400, f"Received unknown parameter: {name}", "parameter_unknown")
        lines = list(given.get("line_items", {}).values())
        expires_at = int(given["expires_at"])
        if not time.time() + 1800 <= expires_at <= time.time() + 86400:
            raise ApiError(400, "The `expires_at` timestamp must be 30 minutes to 24 hours away.")
        if not lines or given.get("mode") != "payment" or "{CHECKOUT_SESSION_ID}" not in given["success_url"]:
            raise ApiError(400, "line_items, mode and success_url are needed")
        if any(line["price_data"]["currency"] != line["price_data"]["currency"].lower() for line in lines):
            raise ApiError(400, "currency must be lower case")
        session_id = f"cs_test_{next(self.numbers):08}"
        self.sessions[session_id] = {
            "id": session_id,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "amount_total": sum(int(line["quantity"]) * int(line["price_data"]["unit_amount"]) for line in lines),
            "currency": lines[0]["price_data"]["currency"],
            "livemode": False,
            "payment_intent": None,
            "client_reference_id": given.get("client_reference_id"),
            "metadata": given.get("metadata", {}),
            "intent_metadata": given.get("payment_intent_data", {}).get("metadata", {}),
            "customer_email": given.get("customer_email"),
            "expires_at": expires_at,
            "url": f"https://checkout.stripe.com/c/pay/{session_id}",
        }
        return self.sessions[session_id]

    def expire_session(self, session):
        if session["status"] != "open":
            raise ApiError(400, f"Only Checkout Sessions with a status in [open] can be expired: {session['status']}")
        session["status"], session["url"] = "expired", None
        return session

    def create_refund(self, given):
        intent = self.intents.get(given.get("payment_intent"))
        if intent is None:
            raise ApiError(404, "No such payment_intent", "resource_missing")
        spent = sum(refund["amount"] for refund in self.refunds.values() if refund["payment_intent"] == intent["id"])
        amount = int(given.get("amount", intent["amount"] - spent))
        if spent + amount > intent["amount"]:
            raise ApiError(400, "Charge has already been refunded.", "charge_already_refunded")
        refund = {
            "id": f"re_{next(self.numbers):08}",
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "status": self.refund_status,
            "metadata": given.get("metadata", {}),
        }
        self.refunds[refund["id"]] = refund
        return refund

    def list_refunds(self, given):
        found = [r for r in self.refunds.values() if r["payment_intent"] == given.get("payment_intent")]
        return {"object": "list", "data": found, "has_more": False, "url": "/v1/refunds"}

    def _new_intent(self, session):
        intent = {"id": f"pi_{session['id']}", "amount": session["amount_total"], "currency": session["currency"]}
        self.intents[intent["id"]] = intent
        return intent["id"]

    # ---- HTTP ------------------------------------------------------------------------------------------------------

    def take(self, method, path, body, headers):
        """One call, with idempotency; returns the status and the body to send, or None to drop the connection."""
        split = urlsplit(path)
        parameters = unflatten(parse_qsl(body.decode() if method == "POST" else split.query))
        self.calls.append((method, split.path, parameters, headers))
        fault = self._next_fault(split.path)
        if fault in ("429", "500"):
            kind = "rate_limit_error" if fault == "429" else "api_error"
            return int(fault), {"error": {"type": kind, "message": "as asked"}}
        if fault == "drop":
            return None
        status, answer = self._work(method, split.path, parameters, headers)
        if fault == "done-500":
            return 500, {"error": {"type": "api_error", "message": "the work is done all the same"}}
        return None if fault == "done-drop" else (status, answer)

    def _work(self, method, path, parameters, headers):
        key = headers.get("Idempotency-Key") if method == "POST" else None
        with self.lock:
            if key in self.replies:
                stored, status, answer = self.replies[key]
                if stored != (path, parameters):
                    return 400, {"error": {"type": "idempotency_error", "message": "same key, other parameters"}}
                return status, answer
            try:
                status, answer = 200, self.answer(method, path, parameters, headers)
            except ApiError as error:
                return error.status, error.body
            answer = json.loads(json.dumps({k: v for k, v in answer.items() if k != "intent_metadata"}))
            if key:
                self.replies[key] = ((path, parameters), status, answer)
            return status, answer

    def _next_fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault[1] in path and fault[2] > 0:
                    fault[2] -= 1
                    if fault[0] != "slow":
                        return fault[0]
                    seconds = fault[3]
                    break
            else:
                return ""
        time.sleep(seconds)
        return ""

    def _handler(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = stand_in.take(self.command, self.path, body, dict(self.headers))
                if reply is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                data = json.dumps(reply[1]).encode()
                try:
                    self.send_response(reply[0])
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.send_header("Request-Id", f"req_{next(stand_in.numbers)}")
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:  # the caller did not wait
                    self.close_connection = True

            do_GET = do_POST = do

            def log_message(self, *args):
                pass

        return Handler


def sign(body, secret=SECRET, at=None):
    """The header `Stripe-Signature`, computed here and not by the library that checks it."""
    stamp = int(time.time() if at is None else at)
    return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def unflatten(pairs):
    """`line_items[0][quantity]=2` as nested dicts."""
    result = {}
    for name, value in pairs:
        keys = name.replace("]", "").split("[")
        place = result
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return result
