"""One step to a thread and back: what Django's own handler promises still holds."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core import signals
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import translation

from realtime.fast_path.http_handler import OneStepHandler


def scope_of(path="/", method="GET", **headers):
    lines = {"host": "localhost", **headers}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


@pytest.fixture
def handler():
    handler = OneStepHandler()
    yield handler
    handler.threads.shutdown()


def told_to(handler, view):
    handler.get_response = view
    return handler


async def ask(handler, scope=None, body=b""):
    talk = ApplicationCommunicator(handler, scope or scope_of())
    await talk.send_input({"type": "http.request", "body": body})
    start = await talk.receive_output()
    parts = []
    while not parts or parts[-1].get("more_body"):
        parts.append(await talk.receive_output())
    await talk.wait()
    return start["status"], b"".join(part.get("body", b"") for part in parts)


@pytest.mark.asyncio
async def test_a_request_is_closed_in_its_thread_before_its_answer_is_sent(handler):
    seen = []

    def view(request):
        seen.append(threading.get_ident())
        return HttpResponse("well")

    def finished(sender, **kwargs):
        seen.append(threading.get_ident())

    signals.request_finished.connect(finished)
    try:
        assert await ask(told_to(handler, view)) == (200, b"well")
    finally:
        signals.request_finished.disconnect(finished)
    assert len(seen) == 2 and seen[0] == seen[1] != threading.get_ident()


@pytest.mark.asyncio
async def test_a_stream_comes_whole_from_the_thread_of_its_request(handler):
    seen = set()

    def lines():
        for number in range(3):
            seen.add(threading.current_thread().name)
            yield f"{number},"

    assert await ask(told_to(handler, lambda request: StreamingHttpResponse(lines()))) == (200, b"0,1,2,")
    assert [name.startswith("request") for name in seen] == [True]


@pytest.mark.asyncio
async def test_requests_are_answered_side_by_side(handler):
    meeting = threading.Barrier(8)

    def view(request):
        meeting.wait(10)
        return HttpResponse(request.body)

    told_to(handler, view)
    answers = await asyncio.gather(*(ask(handler, body=str(n).encode()) for n in range(8)))
    assert answers == [(200, str(n).encode()) for n in range(8)]


@pytest.mark.asyncio
async def test_a_thread_forgets_the_language_of_its_last_request(handler):
    handler.threads = ThreadPoolExecutor(1)
    seen = []

    def view(request):
        seen.append((threading.get_ident(), translation.get_language()))
        translation.activate("de")
        return HttpResponse()

    told_to(handler, view)
    await ask(handler)
    await ask(handler)
    assert seen[0] == seen[1] != (seen[0][0], "de")


@pytest.mark.asyncio
async def test_what_cannot_be_read_is_refused_and_who_has_gone_gets_nothing(handler):
    assert (await ask(handler, {**scope_of(), "query_string": b"\xff"}))[0] == 400
    talk = ApplicationCommunicator(handler, scope_of(method="POST"))
    await talk.send_input({"type": "http.request", "body": b"half", "more_body": True})
    await talk.send_input({"type": "http.disconnect"})
    await talk.wait()
    assert await talk.receive_nothing()
    with pytest.raises(ValueError, match="HTTP"):
        await handler({"type": "websocket"}, None, None)
