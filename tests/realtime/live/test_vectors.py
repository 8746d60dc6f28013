"""The reference client against the golden vectors, which the browser's module obeys too."""

import json
from pathlib import Path

import pytest

from tests.realtime.live.reference_client import ReferenceClient

CASES = json.loads((Path(__file__).parent / "vectors.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"].replace(" ", "_") for case in CASES])
def test_the_reference_client_obeys(case):
    start = case["start"] or {"epoch": None, "v": -1, "state": None}
    client = ReferenceClient(start["epoch"], start["v"], start["state"])
    for frame in case["frames"]:
        client.receive(frame)
    shown = {"epoch": client.epoch, "v": client.v, "state": client.state, "send": client.send, "live": client.live}
    assert shown == case["expect"]


def test_vectors_have_a_name_each():
    assert len({case["name"] for case in CASES}) == len(CASES) >= 40


def test_every_heartbeat_and_every_64th_frame_is_acknowledged():
    client = ReferenceClient("e1", 0, "A" * 6)
    for v in range(130):
        client.receive({"type": "delta", "from": v, "v": v + 1, "seats": {"L": [0]}})
    assert [ack["v"] for ack in client.acks] == [64, 128]
    client.receive({"type": "heartbeat", "v": 130, "digest": 0, "age": 0, "ok": True})
    assert client.acks[-1] == {"type": "ack", "v": 130}
