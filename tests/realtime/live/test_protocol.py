"""The frames that are sent and accepted, exactly as the contract has them."""

import contextlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.live import protocol
from realtime.live.protocol import Ack, BadMessage, Close, Sync


def test_a_sync_and_an_ack_are_understood():
    assert protocol.parse('{"type":"sync","epoch":"e1","v":5}') == Sync("e1", 5)
    assert protocol.parse('{"type":"sync","epoch":null,"v":-1}') == Sync(None, -1)
    assert protocol.parse('{"type":"ack","v":64}') == Ack(64)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "hello",
        "[]",
        "7",
        "null",
        '{"type":"sync"}',
        '{"type":"sync","epoch":"e","v":"5"}',
        '{"type":"sync","epoch":"e","v":-2}',
        '{"type":"sync","epoch":"e","v":1.5}',
        '{"type":"sync","epoch":"e","v":true}',
        '{"type":"sync","epoch":7,"v":5}',
        '{"type":"ack"}',
        '{"type":"ack","v":99999999999999999999999}',
        '{"type":"lock","seats":["A1"],"v":1}',
        '{"v":1}',
        "[" * 900,
        '{"type":"ack","v":' + "9" * 900 + "}",
        '{"type":"ack","v":1,"more":"' + "x" * 1000 + '"}',
        '{"type":"ack","v":1,"more":"' + "é" * 500 + '"}',
    ],
)
def test_anything_else_is_a_bad_message(text):
    with pytest.raises(BadMessage):
        protocol.parse(text)


@given(st.text(max_size=1200))
def test_no_text_raises_anything_but_bad_message(text):
    with contextlib.suppress(BadMessage):
        protocol.parse(text)


def test_a_kibibyte_is_not_too_long():
    frame = '{"type":"ack","v":1,"x":""}'
    padded = frame[:-2] + "x" * (1024 - len(frame)) + frame[-2:]
    assert len(padded) == 1024
    assert protocol.parse(padded) == Ack(1)
    with pytest.raises(BadMessage):
        protocol.parse(padded + " ")


@given(st.text("ALBX", max_size=2000))
def test_the_digest_is_the_crc_32_of_the_letters(state):
    assert protocol.digest_of(state.encode()) == zlib.crc32(state.encode("ascii")) >= 0


def test_close_codes_are_the_contracts():
    assert {code.name: int(code) for code in Close} == {
        "TOO_LARGE": 1009,
        "SLOW": 4001,
        "DRAINING": 4003,
        "NO_ACK": 4004,
        "OVERLOAD": 4005,
        "SERVER_ERROR": 4006,
        "SESSION_ENDED": 4501,
        "FORBIDDEN": 4502,
        "GONE": 4504,
        "PROTOCOL": 4505,
        "BAD_MESSAGE": 4508,
    }


def test_frames_are_compact_json_with_the_contracts_names():
    assert protocol.delta(since=1, v=3, seats={"L": [17, 18], "A": [4]}) == (
        '{"type":"delta","from":1,"v":3,"seats":{"L":[17,18],"A":[4]}}'
    )
    assert json.loads(protocol.bye(code=Close.DRAINING, retry=900, reason="x")) == {
        "type": "bye",
        "code": 4003,
        "retry": 900,
        "reason": "x",
    }
