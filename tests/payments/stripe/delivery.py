"""Delivery of the stand-in's events to a webhook: once, twice, in reverse order, late, or never."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

SECRET = "whsec_stand_in"
RETRY_AFTER = (0.3, 0.6, 1.2, 2.4, 5.0, 5.0, 5.0)  # seconds; Stripe's are hours
REORDER_WITHIN = 0.4  # seconds in which events are collected, then sent in reverse order


def sign(body, secret=SECRET, at=None):
    """The header `Stripe-Signature`, computed here and not by the library that verifies it."""
    stamp = int(time.time() if at is None else at)
    return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


class Deliveries:
    """One webhook endpoint, or none. `delivered` by event id: None without an endpoint, else whether a 2xx came."""

    def __init__(self):
        self.url, self.secret, self.how, self.delay = "", SECRET, "never", 0.0
        self.delivered = {}
        self.answers = []  # (event id, kind, status; 0 without an answer)
        self.waiting = []
        self.on_their_way = 0
        self.changed = threading.Condition()

    def to(self, url, secret=SECRET, how="once", delay=0.0):
        """`how`: once, twice, reversed or never. An empty `url` with `never` is an endpoint that never answers."""
        assert how in ("once", "twice", "reversed", "never")
        self.url, self.secret, self.how, self.delay = url, secret, how, delay

    def stop(self):
        """No endpoint: events are stored by the account and not delivered."""
        self.url = ""
        self.how, self.delay = "never", 0.0
        self.delivered.clear()

    def take(self, event, owed):
        """Deliver an event as configured; `owed` when an endpoint is registered."""
        self.delivered[event["id"]] = False if owed else None
        if self.how == "never":
            return
        if self.how == "reversed":
            self._collect(event)
        else:
            self._start([event] * (2 if self.how == "twice" else 1), self.delay)

    def wait(self, seconds=10):
        """Wait until no delivery is in progress. Returns whether that was so within `seconds`."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.on_their_way and not self.waiting, seconds)

    def _collect(self, event):
        with self.changed:
            self.waiting.append(event)
            first = len(self.waiting) == 1
        if first:
            threading.Thread(target=self._send_collected, daemon=True).start()

    def _send_collected(self):
        time.sleep(REORDER_WITHIN)
        with self.changed:
            batch, self.waiting = self.waiting[::-1], []
            self.on_their_way += 1
        self._deliver(batch, self.delay)

    def _start(self, batch, delay):
        with self.changed:
            self.on_their_way += 1
        threading.Thread(target=self._deliver, args=(batch, delay), daemon=True).start()

    def _deliver(self, batch, delay):
        time.sleep(delay)
        try:
            for event in batch:
                self._deliver_with_retries(event)
        finally:
            with self.changed:
                self.on_their_way -= 1
                self.changed.notify_all()

    def _deliver_with_retries(self, event):
        for wait in (*RETRY_AFTER, None):
            status = self._post(event)
            self.answers.append((event["id"], event["type"], status))
            if 200 <= status < 300:
                self.delivered[event["id"]] = True
                return
            if wait is None or self.how == "never":
                return
            time.sleep(wait)

    def _post(self, event):
        body = json.dumps(event).encode()
        where = urlsplit(self.url)
        headers = {"Content-Type": "application/json", "Stripe-Signature": sign(body, self.secret)}
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
        try:
            connection.request("POST", where.path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
