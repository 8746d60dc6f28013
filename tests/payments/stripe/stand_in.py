"""A stateful stand-in for Stripe's API on loopback, driven by the real stripe library over HTTP.

`account` follows Stripe's rules, `rules` refuses what the API would refuse, `delivery` posts events to a webhook. This
module is the wire: forms in, JSON out, idempotency keys (a replay returns the first answer and is marked, other
parameters under one key are an error, a call in progress is a conflict), and faults of the network on demand.

It runs inside a test (`with StripeStandIn() as stripe:`), or as a process of its own,
`python -m tests.payments.stripe.stand_in PORT [WEBHOOK-URL]`, which survives a killed product.
`stripe_process()` starts one and returns a remote with the same methods.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.payments.stripe import rules
from tests.payments.stripe.account import GONE, Account, public
from tests.payments.stripe.delivery import SECRET, sign
from tests.payments.stripe.rules import ApiError, unflatten

__all__ = ["KEY", "SECRET", "RemoteStripe", "StripeStandIn", "sign", "stripe_process", "unflatten"]

KEY = "sk_test_stand_in"
FAULTS = ("429", "500", "done-500", "saved-500", "drop", "done-drop", "slow", "done-slow")
CONTROLS = (
    "pay", "decline", "finish_unpaid", "finish_later", "run_out", "refund_in_dashboard", "settle_refund", "dispute",
    "close_dispute", "warn_of_fraud", "deliver_to", "deliver_nowhere", "fault", "clear_faults", "count", "state", "set",
    "wait_for_deliveries", "forget_keys",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[3]


class StripeStandIn(Account):
    """`with StripeStandIn() as stripe:` serves at `stripe.url`; `fault(...)` makes the next matching calls fail."""

    def __init__(self, port=0):
        super().__init__()
        self.replies = {}  # idempotency key -> (request, status, body)
        self.in_flight = set()
        self.calls = []  # (method, path, parameters, headers)
        self.faults = []
        self.late = self.most_late_at_once = 0  # calls whose work waits for a `slow` fault
        self.server = _Server(("127.0.0.1", port), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # ---- Controls for tests ----------------------------------------------------------------------------------------

    def fault(self, kind, path="", times=1, seconds=0.0):
        """Make the next calls fail whose path contains `path`.

        `429`, `500`, `drop`: without an effect. `done-500`, `done-drop`, `done-slow`: after it. `saved-500`: after it,
        and the key answers 500 from then on, as Stripe allows. `slow`: the work starts after `seconds`.
        """
        assert kind in FAULTS
        self.faults.append([kind, path, times, seconds])

    def clear_faults(self):
        self.faults.clear()

    def forget_keys(self):
        """A day has passed: idempotency keys are pruned."""
        self.replies.clear()

    def count(self, path):
        return sum(1 for call in self.calls if path in call[1])

    def set(self, name, value):
        """Set `refund_status`, or `ahead`, the offset of Stripe's clock in seconds."""
        assert name in ("refund_status", "ahead")
        setattr(self, name, value)

    def wait_for_deliveries(self, seconds=10):
        return self.deliveries.wait(seconds)

    def state(self):
        """The state of the account as JSON; sums paid and refunded in minor units."""
        with self.lock:
            paid = sum(intent["amount"] for intent in self.intents.values())
            back = sum(refund["amount"] for refund in self.refunds.values() if refund["status"] not in GONE)
            return {
                "sessions": {name: public(each) for name, each in self.sessions.items()},
                "intents": dict(self.intents),
                "refunds": dict(self.refunds),
                "disputes": dict(self.disputes),
                "events": len(self.events),
                "undelivered": [name for name, done in self.deliveries.delivered.items() if done is False],
                "calls": len(self.calls),
                "paid": paid,
                "refunded": back,
            }

    # ---- The wire --------------------------------------------------------------------------------------------------

    def take(self, method, path, body, headers):
        """One call, with faults and idempotency: status, body and headers to send; None drops the connection."""
        address = urlsplit(path).path
        try:
            is_post = method == "POST"
            content = headers.get("Content-Type", "")
            parameters = rules.read_form(body, content) if is_post else rules.read_query(path)
        except ApiError as error:
            return error.status, error.body, {}
        self.calls.append((method, address, parameters, headers))
        fault, seconds = self._next_fault(address)
        if fault in ("429", "500"):
            kind = "rate_limit_error" if fault == "429" else "api_error"
            return int(fault), {"error": {"type": kind, "message": "as asked"}}, {}
        if fault == "drop":
            return None
        if fault == "slow":
            self._wait(seconds)
        reply = self._work(method, address, parameters, headers, saved=fault == "saved-500")
        if fault == "done-slow":
            time.sleep(seconds)
        if fault == "done-500":
            return 500, {"error": {"type": "api_error", "message": "after the effect"}}, {}
        return None if fault == "done-drop" else reply

    def _wait(self, seconds):
        with self.lock:
            self.late += 1
            self.most_late_at_once = max(self.late, self.most_late_at_once)
        time.sleep(seconds)
        with self.lock:
            self.late -= 1

    def _work(self, method, path, parameters, headers, saved):
        if headers.get("Authorization") != f"Bearer {KEY}":
            return 401, ApiError(401, "Invalid API Key provided").body, {}
        if not headers.get("Stripe-Version", "").startswith("20"):
            return 400, ApiError(400, "No API version").body, {}
        key = headers.get("Idempotency-Key") if method == "POST" else None
        if not key:
            return self._answer(method, path, parameters)
        if len(key) > 255:
            return 400, ApiError(400, "Idempotency key too long").body, {}
        with self.lock:
            if key in self.in_flight:
                message = "There is currently another in-progress request using this Idempotent Key."
                return 409, ApiError(409, message, "idempotency_key_in_use", "idempotency_error").body, {}
            if key in self.replies:
                return self._replay(key, (path, parameters))
            self.in_flight.add(key)
        try:
            status, body, sent = self._answer(method, path, parameters)
            if saved and status == 200:
                status, body = 500, {"error": {"type": "api_error", "message": "after the effect, saved"}}
            if status in (200, 500):
                self.replies[key] = ((path, parameters), status, body)
            return status, body, sent
        finally:
            self.in_flight.discard(key)

    def _replay(self, key, request):
        stored, status, body = self.replies[key]
        if stored != request:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return 400, ApiError(400, message, kind="idempotency_error").body, {}
        return status, body, {"Idempotent-Replayed": "true"}

    def _answer(self, method, path, parameters):
        try:
            return 200, public(self.answer(method, path, parameters)), {}
        except ApiError as error:
            return error.status, error.body, {}

    def _next_fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault[1] in path and fault[2] > 0:
                    fault[2] -= 1
                    return fault[0], fault[3]
        return "", 0.0

    def _control(self, name, body):
        if name not in CONTROLS:
            return 404, {"error": name}, {}
        try:
            given = json.loads(body or b"{}")
            return 200, {"result": getattr(self, name)(*given.get("args", []), **given.get("kwargs", {}))}, {}
        except (AssertionError, KeyError, TypeError, ApiError) as error:
            return 409, {"error": f"{type(error).__name__}: {error}"}, {}

    def _handler(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.startswith("/control/"):
                    reply = stand_in._control(self.path.removeprefix("/control/"), body)
                else:
                    reply = stand_in.take(self.command, self.path, body, dict(self.headers))
                if reply is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send(*reply)

            def send(self, status, found, headers):
                data = json.dumps(found).encode()
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.send_header("Request-Id", f"req_{next(stand_in.numbers)}")
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:  # the caller has closed the connection
                    self.close_connection = True

            do_GET = do_POST = do

            def log_message(self, *args):
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A caller that was killed during its call is ignored."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RemoteStripe:
    """A stand-in in another process: `remote.pay(session_id)` calls the method of that name there."""

    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def __getattr__(self, name):
        if name not in CONTROLS:
            raise AttributeError(name)
        return lambda *args, **kwargs: self._ask(name, {"args": args, "kwargs": kwargs})

    def _ask(self, name, given):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", f"/control/{name}", json.dumps(given))
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]


@contextmanager
def stripe_process(port=0, webhook=""):
    """A stand-in as a process of its own, ready; ended with the block."""
    command = [sys.executable, "-m", "tests.payments.stripe.stand_in", str(port), *([webhook] if webhook else [])]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        line = process.stdout.readline()
        yield RemoteStripe(int(line.rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def main(arguments):
    port = int(arguments[0]) if arguments else 0
    stand_in = StripeStandIn(port)
    if len(arguments) > 1:
        stand_in.deliver_to(arguments[1])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with stand_in:
        print(f"Stripe's stand-in listens at {stand_in.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
