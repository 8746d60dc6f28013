"""One step to a thread and back gives what Django's own handler does, which takes over where Django has changed."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core import signals
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import translation

from bench.support.servers import ROOT, clean_environment
from realtime.fast_path import http_handler
from realtime.fast_path.http_handler import METHODS, OneStepHandler, make_http_application


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


def with_view(handler, view):
    handler.get_response = view
    return handler


async def ask(handler, scope=None, body=b""):
    talk = ApplicationCommunicator(handler, scope or scope_of())
    await talk.send_input({"type": "http.request", "body": body})
    start = await talk.receive_output(10)
    parts = []
    while not parts or parts[-1].get("more_body"):
        parts.append(await talk.receive_output(10))
    await talk.wait(10)
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
        assert await ask(with_view(handler, view)) == (200, b"well")
    finally:
        signals.request_finished.disconnect(finished)
    assert len(seen) == 2 and seen[0] == seen[1] != threading.get_ident()


@pytest.mark.asyncio
async def test_a_stream_is_read_whole_in_the_thread_of_its_request(handler):
    seen = set()

    def lines():
        for number in range(3):
            seen.add(threading.current_thread().name)
            yield f"{number},"

    assert await ask(with_view(handler, lambda request: StreamingHttpResponse(lines()))) == (200, b"0,1,2,")
    assert [name.startswith("request") for name in seen] == [True]


@pytest.mark.asyncio
async def test_requests_are_answered_at_the_same_time(handler):
    meeting = threading.Barrier(8)

    def view(request):
        meeting.wait(10)
        return HttpResponse(request.body)

    with_view(handler, view)
    answers = await asyncio.gather(*(ask(handler, body=str(n).encode()) for n in range(8)))
    assert answers == [(200, str(n).encode()) for n in range(8)]


@pytest.mark.asyncio
async def test_a_request_does_not_inherit_the_language_of_the_last_one_in_its_thread(handler):
    handler.threads = ThreadPoolExecutor(1)
    seen = []

    def view(request):
        seen.append((threading.get_ident(), translation.get_language()))
        translation.activate("de")
        return HttpResponse()

    with_view(handler, view)
    await ask(handler)
    await ask(handler)
    assert seen[0] == seen[1] != (seen[0][0], "de")


@pytest.mark.asyncio
async def test_an_unreadable_request_is_refused_and_one_that_disconnects_gets_no_answer(handler):
    assert (await ask(handler, {**scope_of(), "query_string": b"\xff"}))[0] == 400
    talk = ApplicationCommunicator(handler, scope_of(method="POST"))
    await talk.send_input({"type": "http.request", "body": b"half", "more_body": True})
    await talk.send_input({"type": "http.disconnect"})
    await talk.wait(10)
    assert await talk.receive_nothing()
    with pytest.raises(ValueError, match="HTTP"):
        await handler({"type": "websocket"}, None, None)


# ---- another Django --------------------------------------------------------------------------------------------------


def test_with_the_names_of_django_a_request_takes_one_step():
    application = make_http_application()
    assert type(application) is OneStepHandler
    application.threads.shutdown()


@pytest.mark.asyncio
@pytest.mark.django_db
@pytest.mark.parametrize("name", [*METHODS, "is_async"])
async def test_without_a_name_of_django_its_own_handler_serves_with_the_same_timeout(monkeypatch, caplog, name):
    limits = []
    with monkeypatch.context() as patched:
        if name == "is_async":
            patched.setattr(http_handler, "BaseHandler", type("Other", (), {"load_middleware": lambda self: None}))
        else:
            patched.setattr(
                http_handler, "ASGIHandler", type("Other", (), {each: 1 for each in METHODS if each != name})
            )
        application = make_http_application()
    assert name in caplog.text
    signals.request_started.connect(note := lambda **_: limits.append(query_timeout_now()))
    try:
        assert (await ask(application, scope_of("/no-such-page/")))[0] == 404
    finally:
        signals.request_started.disconnect(note)
    assert limits == [http_handler.REQUEST_TIMEOUT]


def query_timeout_now():
    from cinema.database import query_timeout

    return query_timeout._limit.get()


def test_without_the_module_of_djangos_handler_the_product_starts(tmp_path):
    start = (
        "import django; django.setup()\n"
        "import sys, django.core.asgi\n"
        "sys.modules['django.core.handlers.asgi'] = None\n"
        "from realtime.fast_path.http_handler import OneStepHandler, make_http_application\n"
        "print(isinstance(make_http_application(), OneStepHandler))"
    )
    env = clean_environment(DATA_DIR=tmp_path, DJANGO_SETTINGS_MODULE="cinema.settings", LOOP="external")
    ended = subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "False\n"), ended.stderr
    assert "requests take its own way" in ended.stderr
