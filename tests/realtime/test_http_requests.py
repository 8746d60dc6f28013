"""The check in front of Django, as ASGI: heads that are refused, bodies that are cut off, HEAD without a body."""

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator

from cinema.web import request_limits
from cinema.web.request_limits import FORMS, RequestLimit
from realtime import http_requests
from realtime.http_requests import refusal_of, with_request_limits

HOST = (b"host", b"localhost")


def scope_of(method="POST", path="/api/", *headers):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [HOST, *headers],
        "root_path": "//evil.example",
    }


async def echo(scope, receive, send):
    """Reads the body, as Django does: nothing is answered to a client that has gone."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body[:3], "more_body": True})
    await send({"type": "http.response.body", "body": body[3:]})


async def talk(scope, *bodies, application=echo, more_at_the_end=False):
    """(status, headers, body); the status is 0 when nothing is answered."""
    client = ApplicationCommunicator(with_request_limits(application), scope)
    for number, body in enumerate(bodies):
        more = more_at_the_end or number < len(bodies) - 1
        await client.send_input({"type": "http.request", "body": body, "more_body": more})
    start = await client.receive_output(5)
    parts = []
    while not parts or parts[-1].get("more_body"):
        parts.append(await client.receive_output(5))
    await client.wait(5)
    return start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in parts)


LENGTH, CODING = b"content-length", b"transfer-encoding"


@pytest.mark.parametrize(
    "status, headers",
    [
        (None, [(LENGTH, b"3")]),
        (None, [(LENGTH, b"3"), (LENGTH, b"3")]),
        (None, [(CODING, b"Chunked")]),
        (None, [(LENGTH, b"%d" % FORMS.size)]),
        (413, [(LENGTH, b"%d" % (FORMS.size + 1))]),
        (413, [(LENGTH, b"9" * 5000)]),
        (400, [(LENGTH, b"3"), (LENGTH, b"4")]),
        (400, [(LENGTH, b"-3")]),
        (400, [(LENGTH, b"+3")]),
        (400, [(LENGTH, b"3, 3")]),
        (400, [(LENGTH, b"")]),
        (400, [(LENGTH, b"3"), (CODING, b"chunked")]),
        (400, [(CODING, b"identity")]),
        (400, [(CODING, b"chunked, identity")]),
        (400, [(CODING, b"gzip, chunked")]),
        (400, [(CODING, b"chunked"), (CODING, b"chunked")]),
        (400, [HOST]),
    ],
)
def test_a_head_is_refused_when_its_length_is_not_certain_or_too_large(status, headers):
    refusal = refusal_of("POST", "/", "1.1", [HOST, *headers])
    assert (refusal and refusal.status) == status


def test_a_head_names_one_host_a_known_kind_of_method_and_no_chunks_in_http_1_0():
    assert refusal_of("GET", "/", "1.1", []).status == 400
    assert refusal_of("GET", "/", "1.0", []) is None
    assert refusal_of("POST", "/", "1.0", [(CODING, b"chunked")]).status == 400
    assert refusal_of("get", "/", "1.1", [HOST]).status == 405
    assert refusal_of("M-SEARCH", "/", "1.1", [HOST]) is None


async def test_a_body_within_its_limit_arrives():
    assert (await talk(scope_of("POST", "/", (LENGTH, b"5")), b"ab", b"cde"))[::2] == (200, b"abcde")
    assert (await talk(scope_of("POST", "/", (CODING, b"chunked")), b"x" * FORMS.size))[0] == 200


async def test_too_large_a_body_is_answered_before_a_byte_of_it_is_read():
    async def application(scope, receive, send):
        raise AssertionError("the application was called")

    client = ApplicationCommunicator(
        with_request_limits(application), scope_of("POST", "/api/", (LENGTH, b"400000000"))
    )
    start = await client.receive_output(5)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"Connection"]) == (413, b"close")
    assert b'"limit": 262144' in (await client.receive_output(5))["body"]
    await client.send_input({"type": "http.disconnect"})
    assert not (await client.receive_output(5)).get("more_body")
    await client.wait(5)


@pytest.mark.parametrize("header", [(CODING, b"chunked"), (LENGTH, b"3")], ids=["chunked", "a lie"])
async def test_a_body_that_grows_too_large_is_cut_off(header):
    parts = [b"x" * 65536] * 5
    status, _, body = await talk(scope_of("POST", "/api/", header), *parts)
    assert status == 413 and b'"too-large"' in body
    assert http_requests.unfinished_bodies.total == 0


async def test_a_body_that_does_not_come_in_time_is_cut_off_however_often_a_byte_comes(monkeypatch):
    monkeypatch.setattr(request_limits, "FORMS", RequestLimit(1000, 0.2))
    client = ApplicationCommunicator(with_request_limits(echo), scope_of("POST", "/api/", (LENGTH, b"900")))

    async def trickle():
        while True:
            await client.send_input({"type": "http.request", "body": b"x", "more_body": True})
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    begun = asyncio.get_running_loop().time()
    assert (await client.receive_output(5))["status"] == 408
    assert 0.15 < asyncio.get_running_loop().time() - begun < 3
    assert b'"invalid"' in (await client.receive_output(5))["body"]
    trickling.cancel()
    await client.wait(5)


async def test_when_unfinished_bodies_hold_too_much_the_oldest_is_given_up(monkeypatch):
    monkeypatch.setattr(http_requests, "MOST_BYTES", 1000)
    clients = []
    for _ in range(3):
        client = ApplicationCommunicator(with_request_limits(echo), scope_of("POST", "/api/", (LENGTH, b"500")))
        clients.append(client)
        await client.send_input({"type": "http.request", "body": b"x" * 400, "more_body": True})
        assert await client.receive_nothing(0.05)
    assert (await clients[0].receive_output(5))["status"] == 408
    assert http_requests.unfinished_bodies.total == 800
    for client in clients[1:]:
        await client.send_input({"type": "http.request", "body": b"y" * 100})
        assert (await client.receive_output(5))["status"] == 200
    assert http_requests.unfinished_bodies.total == 0


async def test_a_client_that_goes_holds_nothing():
    client = ApplicationCommunicator(with_request_limits(echo), scope_of("POST", "/api/", (LENGTH, b"500")))
    await client.send_input({"type": "http.request", "body": b"x" * 400, "more_body": True})
    assert await client.receive_nothing(0.05) and http_requests.unfinished_bodies.total == 400
    await client.send_input({"type": "http.disconnect"})
    await client.wait(5)
    assert await client.receive_nothing() and http_requests.unfinished_bodies.total == 0


async def test_head_has_the_head_of_get_and_no_body():
    status, headers, body = await talk(scope_of("HEAD", "/", (LENGTH, b"5")), b"abcde")
    assert (status, headers[b"content-length"], body) == (200, b"5", b"")
    status, headers, body = await talk(scope_of("HEAD", "/api/", (LENGTH, b"-1")))
    assert status == 400 and int(headers[b"Content-Length"]) > 0 and body == b""


async def test_no_client_names_the_path_of_the_script():
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["root_path"])
        await echo(scope, receive, send)

    await talk(scope_of("GET", "/"), b"", application=application)
    assert seen == [""]
