"""What a client may send on a socket, as each command that serves the product holds it to."""

import asyncio
import json
import os
import struct
from urllib.parse import urlsplit

import pytest
import websockets

from tests.realtime.plain_servers import COMMANDS, serving
from tests.realtime.servers import LiveMap, Visitor

pytestmark = pytest.mark.server
KIB = 1024
ACK = '{"type":"ack","v":0}'


@pytest.fixture(scope="module", params=COMMANDS)
def server(request):
    with serving(request.param) as running:
        running.showtime = Visitor(running.url).ask("GET", "/api/showtimes/")[1]["showtimes"][0]["id"]
        yield running


def padded(size):
    frame = '{"type":"ack","v":0,"x":""}'
    return frame[:-2] + "x" * (size - len(frame)) + frame[-2:]


BAD = {
    "binary": b"\x00\x01",
    "a binary ack": ACK.encode(),
    "an empty text": "",
    "no JSON": "hello",
    "an unknown type": '{"type":"lock","v":1}',
    "a list": "[]",
    "deep": "[" * 1000,
    "a huge number": '{"type":"ack","v":' + "9" * 900 + "}",
    "a version that is no number": '{"type":"ack","v":"1"}',
    "a version that is true": '{"type":"ack","v":true}',
    "not a number": '{"type":"ack","v":NaN}',
    "an epoch that is no text": '{"type":"sync","epoch":{},"v":1}',
    "over 1 KiB": padded(KIB + 1),
    "over a frame of 4 KiB": padded(4 * KIB + 1),
    "64 KiB": padded(64 * KIB),
    "64 KiB, binary": b"\x00" * 64 * KIB,
    "many fragments": ["x" * KIB] * 40,
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD.keys())
async def test_a_message_up_to_64_kib_that_breaks_the_rules_closes_with_bye_and_4508(server, message):
    async with LiveMap(server, server.showtime) as bob:
        await bob.socket.send(message)
        bye, code = await bob.wait_closed(10)
    assert (bye["type"], bye["code"], code) == ("bye", 4508, 4508)


LARGER = {
    "a byte more": padded(64 * KIB + 1),
    "binary": b"\x00" * (64 * KIB + 1),
    "a megabyte": "x" * KIB * KIB,
    "fragments": ["x" * KIB] * 70,
}


@pytest.mark.parametrize("message", LARGER.values(), ids=LARGER.keys())
async def test_a_larger_message_closes_with_bye_and_1009(server, message):
    async with LiveMap(server, server.showtime) as bob:
        await bob.receive()
        sending = asyncio.create_task(bob.socket.send(message))
        bye, code = await bob.wait_closed(10)
        sending.cancel()
    assert (bye["type"], bye["code"], code) == ("bye", 1009, 1009)


def masked(opcode, payload, *, fin=True, reserved=0):
    key = os.urandom(4)
    length = struct.pack("!B", 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return struct.pack("!B", (0x80 if fin else 0) | reserved | opcode) + length + key + body


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (masked(1, b'{"type":"ack","v":0,"x":"\xff\xfe"}'), 1007),  # text that is not UTF-8
        (masked(3, b"x"), 1002),  # an opcode that does not exist
        (masked(1, ACK.encode(), reserved=0x40), 1002),  # compressed, which was not agreed on
        (masked(0, b"x"), 1002),  # the rest of a message that has not begun
        (masked(9, b"x" * 126), 1002),  # a ping of more than 125 bytes
        (b"\x81\x02{}", 1002),  # without a mask
    ],
    ids=["UTF-8", "opcode", "reserved", "continuation", "ping", "mask"],
)
async def test_bytes_that_are_not_the_websocket_protocol_close_with_its_own_code(server, raw, code):
    """1007 and 1002 are RFC 6455's; what the rules of `bms.v1` speak of begins with a message that can be read."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /ws/showtimes/{server.showtime}/ HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    async with asyncio.timeout(15):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(raw)
        while True:
            first, length = await reader.readexactly(2)
            size = struct.unpack("!H", await reader.readexactly(2))[0] if length == 126 else length
            payload = await reader.readexactly(size)
            if first & 0x0F == 8:
                break
    writer.close()
    assert struct.unpack("!H", payload[:2])[0] == code


async def test_a_message_of_1_kib_in_fragments_is_read(server):
    async with LiveMap(server, server.showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        whole = padded(KIB)
        await bob.socket.send([whole[:300], whole[300:700], whole[700:]])
        await bob.send({"type": "sync", "epoch": None, "v": -1})
        received = len(bob.frames)
        await bob.receive_until(lambda: "snapshot" in [frame["type"] for frame in bob.frames[received:]])


async def test_syncs_faster_than_one_a_second_are_answered_once_a_second(server):
    """The first at once, the others together a second later; none closes the socket."""
    async with LiveMap(server, server.showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        loop, answers, begun = asyncio.get_running_loop(), [], asyncio.get_running_loop().time()
        for _ in range(4):
            await bob.socket.send('{"type":"sync","epoch":null,"v":-1}')
        while len(answers) < 2:
            if (await bob.receive(10))["type"] == "snapshot":
                answers.append(loop.time() - begun)
        assert answers[1] - answers[0] > 0.8
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                while (await bob.receive(10))["type"] != "snapshot":
                    pass
        assert bob.socket.state is websockets.State.OPEN


async def test_frames_of_the_server_may_be_larger_than_64_kib(server):
    """The limit is for what clients send: the sockets stay open while maps are sent."""
    async with LiveMap(server, server.showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        assert json.loads(bob.texts[1])["type"] == "snapshot"
