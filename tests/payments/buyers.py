"""People and Stripe as they reach the product: over HTTP, with cookies, and with servers that die under them."""

import http.client
import json
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from tests.payments.stripe.stand_in import sign

WEBHOOK = "/payments/stripe/webhook/"
TIMEOUT = 20
GONE = 0  # the status of an answer that never came


class Buyer:
    """A browser: keeps its cookies; each request is a connection of its own. Answers are (status, what it said)."""

    def __init__(self, port, showtime_id):
        self.port, self.showtime_id, self.cookies = port, showtime_id, SimpleCookie()
        self.lock_path = f"/api/showtimes/{showtime_id}/lock/"

    def lock(self, *labels):
        if "csrftoken" not in self.cookies:
            self.ask("GET", self.lock_path)
        return self.ask("PUT", self.lock_path, {"seats": labels})

    def give_back(self):
        return self.ask("DELETE", self.lock_path)

    def check_out(self, email="alice@example.com"):
        return self.ask("POST", f"/api/showtimes/{self.showtime_id}/checkout/", {"email": email})

    def come_back(self, reference):
        """From Stripe's page, having paid."""
        return self.ask("GET", f"/payments/return/{reference}/")

    def turn_back(self, reference):
        """From Stripe's page, not having paid."""
        return self.ask("GET", f"/payments/cancel/{reference}/")

    def cancel(self, reference, *labels):
        """Tickets, all of them when none is named."""
        return self.ask("POST", f"/api/bookings/{reference}/cancellation/", {"seats": labels} if labels else {})

    def ask(self, method, path, body=None):
        headers = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())}
        if "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"].value
        if body is not None:
            headers["Content-Type"] = "application/json"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            line.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = line.getresponse()
            said = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return GONE, None
        finally:
            line.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        is_json = "json" in (answer.headers.get("Content-Type") or "")
        return answer.status, json.loads(said) if is_json else said


def deliver(url, body):
    """Stripe posts an event; the status of the answer, GONE when there was none."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        line.request("POST", WEBHOOK, body, {"Content-Type": "application/json", "Stripe-Signature": sign(body)})
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return GONE
    finally:
        line.close()
