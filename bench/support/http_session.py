"""HTTP as a visitor's browser uses it: one keep-alive connection, cookies, the CSRF token, JSON bodies."""

import http.client
import json
from http.cookies import SimpleCookie


class HttpSession:
    """Requests of one visitor to the product on 127.0.0.1. Redirects are not followed."""

    def __init__(self, port, *, timeout=30.0):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.cookies = {}

    def ask(self, method, path, body=None):
        """(status, parsed JSON or None).

        Raises:
            OSError, http.client.HTTPException: no answer came; the connection is closed.
        """
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": self.cookies["csrftoken"]}
        answer, text = exchange(self.connection, method, path, json.dumps(body) if body is not None else None, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None


def exchange(connection, method, path, body, headers):
    """(response, its body). The connection is closed when this raises; the next request opens it again."""
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


def open_showtimes(session):
    """The entries of GET /api/showtimes/ whose sales are open. `session` may be anything with such an `ask`."""
    return [show for show in session.ask("GET", "/api/showtimes/")[1]["showtimes"] if show["sales"] == "open"]


def free_labels(session, show):
    """Labels of the available seats of a showtime, given by its entry of GET /api/showtimes/."""
    state = session.ask("GET", show["map"])[1]["state"]
    labels = [seat["label"] for seat in session.ask("GET", show["layout"])[1]["seats"]]
    return [label for label, letter in zip(labels, state, strict=True) if letter == "A"]
