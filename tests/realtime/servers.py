"""The product behind each of its ASGI servers, a visitor's HTTP session, and a client of the live map."""

import asyncio
import http.cookiejar
import json
import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import websockets

from bench.support.servers import Server, start_server, with_demo_listings
from tests.realtime.live.reference_client import ReferenceClient


class UvicornServer(Server):
    """`uvicorn asgi:application`, as an operator may start it without our launcher."""

    OPTIONS = ("--host=127.0.0.1", "--no-access-log", "--ws-per-message-deflate=false", "--log-level=warning")

    def arguments(self):
        return ["-m", "uvicorn", "asgi:application", f"--port={self.port}", *self.OPTIONS]

    def is_ready(self, log_start):
        return self.is_healthy()


def start_uvicorn(**env):
    settings = with_demo_listings({"DEMO_STAFF_PASSWORD": "for tests", **env})  # the password of the demo's database
    return UvicornServer("uvicorn", settings, start_timeout=30).start()


STARTS = {"daphne": start_server, "uvicorn": start_uvicorn}


@contextmanager
def serving(kind, **env):
    with STARTS[kind](**{"RATE_LIMITS": "1", "WS_HEARTBEAT_SECONDS": "1", **env}) as server:
        yield server


class Visitor:
    """A browser's HTTP half: cookies, CSRF token, JSON."""

    def __init__(self, url):
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, method, path, body=None):
        """(status, parsed JSON or None)."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        for cookie in self.jar:
            if cookie.name == "csrftoken":
                request.add_header("X-CSRFToken", cookie.value)
        try:
            with self.opener.open(request, None if body is None else json.dumps(body).encode(), timeout=15) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or "null")

    def lock(self, showtime, *labels):
        path = f"/api/showtimes/{showtime}/lock/"
        if not any(cookie.name == "csrftoken" for cookie in self.jar):
            self.ask("GET", path)
        return self.ask("PUT", path, {"seats": list(labels)})

    def sign_in(self, email, password):
        """By the form of the page; returns the cookies as a header."""
        self.opener.open(f"{self.url}/accounts/login/", timeout=15).close()
        form = {"csrfmiddlewaretoken": self.cookie("csrftoken"), "login": email, "password": password}
        self.opener.open(f"{self.url}/accounts/login/", urllib.parse.urlencode(form).encode(), timeout=15).close()
        return self.cookies

    def sign_out(self):
        form = {"csrfmiddlewaretoken": self.cookie("csrftoken")}
        self.opener.open(f"{self.url}/accounts/logout/", urllib.parse.urlencode(form).encode(), timeout=15).close()

    def cookie(self, name):
        return next(cookie.value for cookie in self.jar if cookie.name == name)

    @property
    def cookies(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)


class LiveMap:
    """A socket and its reference client."""

    def __init__(self, server, showtime, client=None, **options):
        self.client = client or ReferenceClient()
        resume = f"?epoch={self.client.epoch}&v={self.client.v}" if self.client.state else ""
        self.address = f"ws{server.url[4:]}/ws/showtimes/{showtime}/{resume}"
        self.options = {"compression": None, "proxy": None, **options}
        self.texts, self.frames = [], []

    async def __aenter__(self):
        self.socket = await websockets.connect(self.address, **self.options)
        return self

    async def __aexit__(self, *exc):
        await self.socket.close()

    async def receive(self, seconds=5.0):
        """The next frame; the client's answers to it are sent."""
        async with asyncio.timeout(seconds):
            text = await self.socket.recv()
        self.texts.append(text)
        self.frames.append(json.loads(text))
        self.client.receive(self.frames[-1])
        for frame in (*self.client.send, *self.client.acks):
            await self.send(frame)
        self.client.send.clear()
        self.client.acks.clear()
        return self.frames[-1]

    async def receive_until(self, question, seconds=10.0):
        async with asyncio.timeout(seconds):
            while not question():
                await self.receive(seconds)
        return self

    async def send(self, frame):
        await self.socket.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))

    async def wait_closed(self, seconds=5.0):
        """(last frame, close code) when the server closes."""
        try:
            while True:
                await self.receive(seconds)
        except websockets.ConnectionClosed as closed:
            return self.frames[-1], closed.rcvd.code if closed.rcvd else None


def terminate(server):
    os.kill(server.process.pid, signal.SIGTERM)
