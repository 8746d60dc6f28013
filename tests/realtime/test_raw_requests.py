"""What strangers write to the sockets of real servers: too much, too slowly, ambiguous, or HEAD."""

import contextlib
import json
import os
import socket
import time
from pathlib import Path

import pytest

from bench.support.servers import Server, with_demo_listings

pytestmark = pytest.mark.server

HEAD_SECONDS, BODY_SECONDS = 1.0, 1.5  # instead of ten and more
START = f"""
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")
from cinema.web import request_limits
request_limits.HEAD_SECONDS = {HEAD_SECONDS}
request_limits.FORMS = request_limits.RequestLimit(request_limits.FORMS.size, {BODY_SECONDS})
"""
HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
MIB = 1024 * 1024


class Daphne(Server):
    def arguments(self):
        return ["-c", f"{START}\nimport manage\nsys.argv = ['manage.py', 'serve']\nmanage.main()"]


class Uvicorn(Server):
    def arguments(self):
        return ["-c", f"{START}\nfrom realtime.launcher.web import main\nmain()"]

    def is_ready(self, log_start):
        return self.is_healthy()


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(request, tmp_path_factory):
    kind = Daphne if request.param == "daphne" else Uvicorn
    spool = tmp_path_factory.mktemp("spool")  # where a temporary file of the server would be
    settings = with_demo_listings({"DEMO_STAFF_PASSWORD": "for tests", "TMPDIR": spool})
    with kind(request.param, settings, start_timeout=60).start() as running:
        running.spool = spool
        yield running


@contextlib.contextmanager
def connected(server, sent=b""):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(sent)
        yield client


def read_all(client):
    """Every byte until the server closes. Fails after 20 s of silence."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            answer += part
    return answer


def read_one(client):
    """One answer, on a connection that stays."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    left = int(parsed(answer)[1]["content-length"])
    while left:
        answer += client.recv(left)
        left = int(parsed(answer)[1]["content-length"]) - len(parsed(answer)[2])
    return answer


def ask(server, *lines, body=b""):
    """(status, headers in lower case, body) of a request after which the connection is closed."""
    with connected(server, b"\r\n".join((*lines, b"", body))) as client:
        return parsed(read_all(client))


def parsed(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def open_sockets(server):
    """How many connections of HTTP the process has: each is a file of it, as is the socket that listens."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    return sum(1 for each in list(folder.iterdir()) if _target(each).startswith("socket:"))


def _target(link):
    try:
        return os.readlink(link)
    except OSError:
        return ""


def memory(server):
    """Bytes of it that are in memory."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def spooled(server):
    """Bytes of the server's temporary files, also of those without a name."""
    found = 0
    for each in list(Path(f"/proc/{server.process.pid}/fd").iterdir()):
        if _target(each).startswith(str(server.spool)):
            found += os.stat(each).st_size
    return found + sum(file.stat().st_size for file in server.spool.rglob("*") if file.is_file())


# ---- too much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/payments/stripe/webhook/", b"/api/showtimes/1/lock/", b"/"])
def test_a_body_of_400_mb_is_413_before_it_is_read(server, path):
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 400000000\r\n\r\n"
    with connected(server, head) as client:
        answer = read_one(client)  # no byte of the body has been sent
        assert answer.startswith(b"HTTP/1.1 413 ")
        if path.startswith(b"/api/"):
            status, headers, body = parsed(answer)
            assert headers["content-type"] == "application/problem+json"
            assert (json.loads(body)["type"], json.loads(body)["limit"]) == ("too-large", 262144)
        begun = time.monotonic()
        sent = send_until_closed(client)
        assert sent < 32 * MIB and time.monotonic() - begun < 15
    assert spooled(server) == 0


def send_until_closed(client, part=b"x" * 65536):
    sent = 0
    client.settimeout(20)
    with contextlib.suppress(ConnectionError):
        while sent < 400 * MIB:
            sent += client.send(part)
    return sent


def test_a_client_that_sends_its_body_first_still_gets_its_413(server):
    body = b"x" * 600_000
    with connected(server) as client:
        client.sendall(b"PUT /api/x/ HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body))
        client.sendall(body)
        assert read_all(client).startswith(b"HTTP/1.1 413 ")


def test_who_asks_first_is_not_asked_to_go_on(server):
    head = b"PUT /api/x/ HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 400000000\r\n\r\n"
    with connected(server, head) as client:
        assert b"100 Continue" not in read_all(client)


def test_a_chunked_body_is_cut_off_while_it_is_read(server):
    before = memory(server)
    with connected(server, b"POST /api/x/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        sent = send_until_closed(client, b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert sent < 32 * MIB
    assert spooled(server) == 0
    assert memory(server) - before < 32 * MIB
    with connected(server, b"POST /api/x/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        client.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 5)
        assert parsed(read_all(client))[0] == 413


def test_unfinished_bodies_leave_no_file(server):
    """Both servers, and Django, would take a file for a body of more than some 100 KB."""
    head = b"POST /payments/stripe/webhook/ HTTP/1.1\r\n" + HOST + b"Content-Length: 250000\r\n\r\n"
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(connected(server, head + b"x" * 240_000))
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert spooled(server) == 0
            time.sleep(0.05)


# ---- too slowly ------------------------------------------------------------------------------------------------------

HALVES = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: loc",
    "half a body": b"POST /api/x/ HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\nabc",
    "half a chunk": b"POST /api/x/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n400\r\nabc",
    "half a second head": b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/1.1\r\nHost: loc",
    "half an upgrade": b"GET /ws/showtimes/1/ HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
}


def test_200_half_sent_requests_are_closed(server):
    before = open_sockets(server)
    with contextlib.ExitStack() as clients:
        opened = [clients.enter_context(connected(server, half)) for half in HALVES.values() for _ in range(33)]
        begun = time.monotonic()
        answers = [read_all(client) for client in opened]
        assert time.monotonic() - begun < 15
    assert wait_for(lambda: open_sockets(server) <= before)
    answered = [answer for answer in answers if answer]
    assert len(answered) == 3 * 33  # the bodies that did not come, and the first of two requests
    assert {parsed(answer)[0] for answer in answered} == {200, 408}


@pytest.mark.parametrize("kind", ["half a head", "half a body", "half a second head"])
def test_a_byte_now_and_then_does_not_keep_a_connection(server, kind):
    with connected(server, HALVES[kind]) as client:
        begun = time.monotonic()
        client.settimeout(0.1)
        while time.monotonic() - begun < 15:
            try:
                client.sendall(b"x")
                if not client.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - begun < 10


def test_a_connection_is_kept_between_requests_and_for_a_slow_but_honest_body(server):
    with connected(server) as client:
        for _ in range(3):
            client.sendall(b"PUT /api/x/ HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n{")
            time.sleep(0.3)
            client.sendall(b"   ")
            assert parsed(read_one(client))[0] == 404


def wait_for(question, seconds=20):
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# ---- ambiguous -------------------------------------------------------------------------------------------------------

POST = b"POST /api/x/ HTTP/1.1\r\n" + HOST
NEXT = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
AMBIGUOUS = {
    "length and chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": POST + b"Content-Length: 3, 4\r\n\r\nabcd",
    "a length of 5,000 digits": POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a signed length": POST + b"Content-Length: +1\r\n\r\na",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\na",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": POST + b"X: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 0\r\n\r\n",
    "a line without CR": POST + b"X: a\nContent-Length: 0\r\n\r\n",
    "lines without CR": (POST + b"Content-Length: 0\r\n\r\n").replace(b"\r\n", b"\n"),
    "a NUL": POST + b"X: a\0b\r\n\r\n",
    "two hosts": POST + HOST + b"\r\n",
    "no host": b"GET /api/x/ HTTP/1.1\r\n\r\n",
    "another version": b"GET /api/x/ HTTP/1.2\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of -1": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "bytes beyond ASCII in the path": POST.replace(b"/x/", b"/\xc3\xa4/") + b"\r\n",
    "a very long header": POST + b"X: " + b"a" * 20_000 + b"\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", [*AMBIGUOUS])
def test_an_ambiguous_request_is_400_and_nothing_after_it_is_read(server, name):
    with connected(server, AMBIGUOUS[name]) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(NEXT)
        answer = read_all(client)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"alive" not in answer, answer
    status, headers, body = parsed(answer)
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/problem+json", "close")
    assert {"type", "title", "status", "detail"} <= set(json.loads(body))


UPGRADE = (
    b"GET /api/x/ HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
KEY = b"AAAAAAAAAAAAAAAAAAAAAA=="
UPGRADES = {
    "a length": UPGRADE + b"Content-Length: 5\r\n\r\nhello",
    "chunks": UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length and chunks": UPGRADE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no key": UPGRADE.replace(b"Sec-WebSocket-Key", b"X") + b"\r\n",
    "a short key": UPGRADE.replace(KEY, b"<b>x</b>") + b"\r\n",
    "two keys": UPGRADE + b"Sec-WebSocket-Key: " + KEY + b"\r\n\r\n",
    "another version": UPGRADE.replace(b"Version: 13", b"Version: 8") + b"\r\n",
    "a subprotocol beyond ASCII": UPGRADE + b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
    "two origins": UPGRADE + b"Origin: http://localhost\r\nOrigin: http://evil.example\r\n\r\n",
    "too many headers": UPGRADE + b"X: y\r\n" * 600 + b"\r\n",
    "a very long address": UPGRADE.replace(b"/x/", b"/x/?" + b"a" * 20_000) + b"\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", [*UPGRADES])
def test_an_odd_request_for_a_websocket_is_a_problem_and_the_connection_ends(server, name):
    with connected(server, UPGRADES[name]) as client:
        status, headers, body = parsed(read_all(client))
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/problem+json", "close")
    assert json.loads(body)["type"] == "invalid" and b"<b>" not in body


def test_only_get_may_ask_for_a_websocket(server):
    for method in (b"POST", b"HEAD"):
        with connected(server, UPGRADE.replace(b"GET", method) + b"\r\n") as client:
            status, headers, body = parsed(read_all(client))
        assert (status, headers["content-type"], headers["allow"]) == (405, "application/problem+json", "GET")
        assert bool(body) == (method == b"POST")


def test_extensions_of_websockets_are_nobodys_matter(server):
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n\r\n"
    with connected(server, UPGRADE + offer) as client:
        assert b"101 Switching Protocols" in client.recv(4096)


def test_daphnes_header_with_a_path_of_the_script_is_nobodys(server):
    for value in (b"//evil.example", b"\xff"):
        status, _, body = ask(
            server, b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost", CLOSE + b"Daphne-Root-Path: " + value + b"\r\n"
        )
        assert status == 200 and b"evil.example" not in body


# ---- HEAD ------------------------------------------------------------------------------------------------------------


SAME = (b"/api/showtimes/", b"/static/css/base.css", b"/api/no/", b"/%00")  # equal from one request to the next
DIFFERENT = (b"/", b"/metrics", b"/no/such/page/", b"/staff/")


@pytest.mark.parametrize("path", SAME + DIFFERENT)
def test_head_has_the_length_of_get_and_no_body(server, path):
    def lines(method):
        return method + b" " + path + b" HTTP/1.1\r\n" + HOST + CLOSE

    status, headers, body = ask(server, lines(b"HEAD"))
    assert body == b""
    got, of_get, whole = ask(server, lines(b"GET"))
    assert (status, headers["content-type"]) == (got, of_get["content-type"])
    assert int(of_get["content-length"]) == len(whole)
    if path in SAME:
        assert headers["content-length"] == of_get["content-length"]


def test_head_of_a_large_page_leaves_the_connection_in_step(server):
    """A body here would be read as the answer to the next request."""
    with connected(server) as client:
        client.sendall(b"HEAD /showtimes/1/ HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(65536)
        assert int(parsed(answer)[1]["content-length"]) > 65536
        client.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        assert parsed(read_all(client))[2] == b"alive\n"


# ---- monitors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/metrics"])
@pytest.mark.parametrize("host", [b"10.0.0.7", b"evil.example:99", b"a_b", b""])
def test_monitors_are_answered_whatever_the_host_header_says(server, path, host):
    assert ask(server, b"GET " + path + b" HTTP/1.1\r\nHost: " + host, CLOSE)[0] == 200
