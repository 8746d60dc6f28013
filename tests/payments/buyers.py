"""Buyers and Stripe as HTTP clients, with cookies, of servers that may be killed."""

import http.client
import json
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from tests.payments.stripe.stand_in import sign

WEBHOOK = "/payments/stripe/webhook/"
TIMEOUT = 20
NO_ANSWER = 0  # in place of a status


class Buyer:
    """A browser: keeps its cookies; each request has a connection of its own. Methods return (status, body)."""

    def __init__(self, port, showtime_id):
        self.port, self.showtime_id, self.cookies = port, showtime_id, SimpleCookie()
        self.lock_path = f"/api/showtimes/{showtime_id}/lock/"

    def lock(self, *labels):
        if "csrftoken" not in self.cookies:
            self.request("GET", self.lock_path)
        return self.request("PUT", self.lock_path, {"seats": labels})

    def release(self):
        return self.request("DELETE", self.lock_path)

    def check_out(self, email="alice@example.com"):
        return self.request("POST", f"/api/showtimes/{self.showtime_id}/checkout/", {"email": email})

    def open_return_page(self, reference):
        """Back from Stripe's page, having paid."""
        return self.request("GET", f"/payments/return/{reference}/")

    def open_cancel_page(self, reference):
        """Cancel the open payment by the button of the page."""
        return self.request("POST", f"/payments/cancel/{reference}/")

    def cancel(self, reference, *labels):
        """Cancel these tickets, or all of them."""
        return self.request("POST", f"/api/bookings/{reference}/cancellation/", {"seats": labels} if labels else {})

    def request(self, method, path, body=None):
        headers = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())}
        if "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"].value
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException):
            return NO_ANSWER, None
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        is_json = "json" in (response.headers.get("Content-Type") or "")
        return response.status, json.loads(text) if is_json else text


def deliver(url, body):
    """Post an event as Stripe; returns the status of the answer, or NO_ANSWER."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        connection.request("POST", WEBHOOK, body, {"Content-Type": "application/json", "Stripe-Signature": sign(body)})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return NO_ANSWER
    finally:
        connection.close()
