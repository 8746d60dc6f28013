"""What real servers write to their output when strangers put lines and secrets into addresses."""

import http.client
import re

import pytest

from realtime.launcher.processes import wait_until
from tests.realtime.plain_servers import COMMANDS, serving

pytestmark = pytest.mark.server
PATHS = (
    "/a%0aERROR%20forged%0d%0aERROR%20forged",
    "/api/a%0aERROR%20forged/?x=%0aERROR%20forged",
    "/%1b%5b2J%c2%85ERROR%20forged%e2%80%a8",
    "/bookings/ABC-DEF-GHI/?key=sesame-key",
    "/accounts/login/?next=/bookings/ABC/%3Fkey%3Dsesame-key",
    "/payments/demo/cs_demo_sesame/",
    "/payments/return/ABC-DEF-GHI/?session=cs_demo_sesame",
    "/accounts/password/reset/key/1-sesame-abc/",
    "/staff/bookings/?q=sesame%40example.com",
)


@pytest.fixture(scope="module", params=COMMANDS)
def log(request):
    """All lines of a server that was asked for each of PATHS, and for a page of a foreign host."""
    with serving(request.param) as server:
        for path in PATHS:
            status(server, path)
        assert status(server, "/last", host="evil.example%0aERROR-forged?key=sesame-key") == 400
        is_logged = wait_until(lambda: "evil.example" in server.log.read_text(), seconds=10)
        assert is_logged, server.tail()
        yield request.param, server.log.read_text().split("\n")


def status(server, path, host=""):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_no_line_is_forged(log):
    _, lines = log
    assert not [line for line in lines if line.lstrip().startswith("ERROR")]
    assert not [line for line in lines if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", line)]


def test_no_line_shows_what_opens_something(log):
    _, lines = log
    assert not [line for line in lines if "sesame" in line and "s…%40example.com" not in line]


def test_each_access_is_still_one_line(log):
    command, lines = log
    if command not in ("daphne", "runserver"):  # the others write none
        assert not [line for line in lines if "GET /a%0aERROR" in line]
        return
    for path in ("/a%0aERROR", "/bookings/ABC-DEF-GHI/?key=[hidden]", "/payments/demo/cs_demo_[hidden]/"):
        assert len([line for line in lines if f"GET {path}" in line]) == 1, (path, lines)
