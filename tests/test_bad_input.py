"""Whatever a stranger sends to whichever address: never a 5xx, and a problem document under `/api/`."""

import json
import time

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import settings as rounds
from hypothesis import strategies as st

from bench.support.factories import make_showtime, make_user
from realtime.routing import websocket_urlpatterns
from tests.whole_requests import all_urls, ask, make_handler, session_cookie

JSON, FORM, FILES = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
CSRF = "a" * 32
DIGITS = "9" * 5000
# What stands in the place of an argument of the path, as it is sent.
ARGUMENTS = {
    "id": ("1", "0", str(2**63 - 1), str(2**63), DIGITS, "%00", "-1"),
    "slug": ("AAAAAAAA", "x" * 3000, DIGITS, "a%00"),
    "str": (
        "aaaa",
        "%00",
        "a%00b",
        "x" * 3000,
        "%ff%fe",
        "%ed%a0%80",
        "%C3%A4",
        DIGITS,
        "..%2f..%2fetc",
        "%0d%0aX:%20y",
    ),
}
ARGUMENTS["path"] = ARGUMENTS["str"]
QUERIES = (
    "%00=%00", "q=%00", "key=%00", "q=%ff%fe", "q=%ed%a0%80", f"page={DIGITS}", f"id={DIGITS}", f"date={DIGITS}",
    "date=%00&cinema=%00&movie=%00&genre=%00", f"p={2**63}&o={DIGITS}&e=x", "&".join(f"f{n}=1" for n in range(1200)),
    "=&=&&=", "q=" + "x" * 8000, "next=%00", "next=//evil", "sort=%00&day=%00", f"v={DIGITS}&epoch=%00",
)  # fmt: skip
HEADERS = (
    (b"cookie", b'%(session)s="\\000"; csrftoken="\\000"'),
    (b"cookie", b"%(session)s=\xff\xfe; messages=\xff; django_language=\xff\xff"),
    (b"cookie", b";;=;=;" + b"a" * 4000),
    (b"host", b"evil.example, localhost"),
    (b"host", b"a b\x7f"),
    (b"host", b"[::1"),
    (b"accept-language", b"x" * 4000 + b",de;q=NaN"),
    (b"x-forwarded-for", b"\xff, 1.2.3.4:99999999999"),
    (b"if-none-match", b'W/"' + b"\xff" * 50),
    (b"if-modified-since", b"Thu, 99 Foo 99999999999 00:00:00 GMT"),
    (b"range", b"bytes=99999999999999999999-"),
    (b"hx-current-url", b"http://[\xff"),
    (b"hx-request", b"true"),
    (b"origin", b"http://["),
    (b"referer", b"https://[::1"),
    (b"content-type", b"\xff;charset=\xff"),
    (b"authorization", b"Basic \xff"),
)
BODIES = (
    (JSON, b'{"seats": [%s]}' % DIGITS.encode()),
    (JSON, b'{"seats": ["\\u0000"], "email": "\\u0000"}'),
    (JSON, b'{"seats": ["\\ud800"], "email": "\\udfff@a.de"}'),
    (JSON, b'{"seats": [NaN, Infinity, -Infinity, 1e999]}'),
    (JSON, b'{"seats": [], "seats": ["A1"]}'),
    (JSON, b'{"seats": [%d], "email": %d}' % (2**63, -(2**63) - 1)),
    (JSON, b"[" * 50_000),
    (JSON, b'{"a":' * 20_000),
    (JSON, b'\xff\xfe{"seats": []}'),
    (JSON, '{"seats": []}'.encode("utf-16")),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, b"null"),
    (JSON + "; charset=utf-7", b"{}"),
    (JSON + "; charset=rot13", b"{}"),
    ("", b"\x00" * 100),
    (FORM, b"seats=%00&email=%00&login=%00&password=%00"),
    (FORM, b"&".join(b"f%d=1" % n for n in range(2000))),
    (FORM, b"a=\xff\xfe&b=%ff%fe&c=%ed%a0%80"),
    (FORM + "; charset=utf-16", b"a=b"),
    (FORM + "; charset=undefined", b"a=b"),
    (FORM, b"seats=" + DIGITS.encode() + b"&back=" + DIGITS.encode() + b"&amount=" + DIGITS.encode()),
    (FILES, b'--b\r\nContent-Disposition: form-data; name="seats"\r\n\r\n\x00\r\n--b--\r\n'),
    (FILES, b'--b\r\nContent-Disposition: form-data; name="f"; filename="\x00/../x"\r\n\r\nx\r\n--b--\r\n'),
    (
        FILES,
        b"--b\r\nContent-Disposition: form-data; name*=utf-8''%00\r\nContent-Transfer-Encoding: base64\r\n\r\n=\r\n",
    ),
    (FILES, b"no boundary at all"),
    ("multipart/form-data", b"--\r\n"),
    ("multipart/form-data; boundary=\xff", b"--\xff--"),
    (JSON, b" " * (256 * 1024 + 1)),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "brew")


@pytest.fixture
def handler(db):
    make_showtime()
    return make_handler()


def check(answer, method, target, more=""):
    status, headers, body = answer
    said = f"{method} {target[:200]} {more!r:.200}: {status} {body[:300]!r}"
    assert status < 500, said
    if target.startswith("/api/") and status >= 400 and headers:
        assert headers["content-type"] == "application/problem+json", said
        assert json.loads(body)["status"] == status, said


def filled(address, number=0):
    """The address, with the argument of this number (modulo their number) in each place."""
    for kind, values in ARGUMENTS.items():
        address = address.replace(f"{{{kind}}}", values[number % len(values)])
    assert "{" not in address, address
    return address


def addresses():
    return [address for address in all_urls() if "{" in address]


def outside_the_admin():
    """The admin is one address for strangers; `test_every_address_for_staff` goes through it."""
    return [address for address in all_urls() if not address.startswith("/admin/")]


def test_every_argument_of_every_address(handler):
    for address in addresses():
        for number in range(max(map(len, ARGUMENTS.values()))):
            target = filled(address, number)
            check(ask(handler, "GET", target), "GET", target)


@pytest.mark.parametrize("query", QUERIES, ids=[text[:24] for text in QUERIES])
def test_every_query_at_every_address(handler, query):
    for address in outside_the_admin():
        target = f"{filled(address)}?{query}"
        check(ask(handler, "GET", target), "GET", target)


@pytest.mark.parametrize(
    "header", HEADERS, ids=[f"{name.decode()} {number}" for number, (name, _) in enumerate(HEADERS)]
)
def test_every_header_at_every_address(handler, header):
    name, value = header
    value = value.replace(b"%(session)s", settings.SESSION_COOKIE_NAME.encode())
    for address in outside_the_admin():
        target = filled(address)
        check(ask(handler, "GET", target, headers=[(name, value)]), "GET", target, header)


@pytest.mark.parametrize("body", BODIES, ids=[f"{kind[:12]} {number}" for number, (kind, _) in enumerate(BODIES)])
def test_every_body_at_every_address_by_somebody_with_a_csrf_token(handler, body):
    kind, sent = body
    headers = [(b"content-type", kind.encode("latin-1")), (b"x-csrftoken", CSRF.encode())]
    for address in outside_the_admin():
        for method in ("POST", "PUT"):
            target = filled(address)
            answer = ask(handler, method, target, sent, headers, cookies=f"csrftoken={CSRF}")
            check(answer, method, target, body)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_at_every_address(handler, method):
    for address in outside_the_admin():
        target = filled(address)
        check(ask(handler, method, target), method, target)


@pytest.mark.parametrize("method", ("POST", "PUT", "DELETE", "PATCH"))
def test_an_address_without_its_slash_is_not_found_for_what_has_a_body(handler, method):
    assert ask(handler, method, "/api/showtimes/1/lock", b"{}")[0] == 404
    assert ask(handler, "GET", "/api/showtimes")[0] == 301


def test_every_address_for_staff(handler):
    client = Client()
    boss = make_user("boss@example.com", staff=True)
    boss.is_superuser = True
    boss.save()
    client.force_login(boss)
    cookies = session_cookie(client)
    for address in all_urls():
        is_like_another = address.startswith("/admin/") and address.endswith(("/history/", "/delete/", "{path}/"))
        for number in range(max(map(len, ARGUMENTS.values())) if "{" in address and not is_like_another else 1):
            target = filled(address, number)
            check(ask(handler, "GET", target, cookies=cookies), "GET", target)


def test_a_number_that_no_row_can_have_is_no_error_of_the_admin(handler):
    client = Client()
    boss = make_user("boss@example.com", staff=True)
    boss.is_superuser = True
    boss.save()
    client.force_login(boss)
    target = "/admin/booking/booking/?showtime=9223372036854775808"
    expected = (200,) if connection.vendor == "postgresql" else (302, 404)  # PostgreSQL compares any number
    assert ask(handler, "GET", target, cookies=session_cookie(client))[0] in expected
    client.raise_request_exception = False
    chosen = {"action": "delete_selected", "_selected_action": "99999999999999999999", "index": "0"}
    assert client.post("/admin/cinema/movie/", chosen).status_code in expected


texts = st.text(st.characters(codec=None), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@rounds(max_examples=150)
@given(st.dictionaries(st.sampled_from(["seats", "email", "x"]), values))
def test_no_json_body_breaks_the_api(django_db_blocker, body):
    """No database is needed to refuse these; a body that is granted has no seats."""
    from cinema.web.json_body import read_json
    from cinema.web.problems import Invalid

    class Request:
        pass

    request = Request()
    request.body = json.dumps(body).encode("utf-8", "surrogatepass")
    try:
        read = read_json(request)
    except Invalid as refusal:
        assert refusal.extra["errors"]["body"]
    else:
        json.dumps(read, allow_nan=False, ensure_ascii=False).encode()


SOCKETS = (
    *(f"ws/showtimes/{text}/" for text in ("0", str(2**63 - 1), str(2**63), DIGITS, "-1", "%00", "\0", "1\0", "é")),
    "ws/", "ws/board", "\0", "ws/showtimes/1",
)  # fmt: skip


@pytest.mark.parametrize("path", SOCKETS, ids=[repr(path[:24]) for path in SOCKETS])
async def test_a_socket_to_no_showtime_is_4504(transactional_db, path):
    assert await last_code(path) == 4504


@pytest.mark.parametrize("query", [b"epoch=%00&v=1", b"epoch=a&v=" + DIGITS.encode(), b"v=%ff&epoch=\xff", b"&&=&"])
async def test_no_query_breaks_a_socket(transactional_db, query):
    assert await last_code("ws/showtimes/1/", query) == 4504


@pytest.mark.parametrize("value", ['"\\000"', "\xff\xfe", "x" * 4000, '"'])
async def test_no_cookie_breaks_the_boards_socket(transactional_db, value):
    cookie = f"{settings.SESSION_COOKIE_NAME}={value}".encode("latin-1")
    assert await last_code("ws/board/", headers=[(b"cookie", cookie), (b"origin", b"http://localhost")]) == 4502


async def last_code(path, query=b"", headers=()):
    """The close code of a socket that is refused."""
    socket = WebsocketCommunicator(
        URLRouter(websocket_urlpatterns), f"/{path}", headers=[(b"host", b"localhost"), *headers]
    )
    socket.scope["path"], socket.scope["query_string"] = f"/{path}", query
    assert (await socket.connect(timeout=20))[0]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = await socket.receive_output(20)
        if message["type"] == "websocket.close":
            return message["code"]
    return None
