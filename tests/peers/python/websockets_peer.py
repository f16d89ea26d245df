"""The `websockets` library against one server: both forms of a channel.

Usage: websockets_peer.py HOST:PORT
"""

import asyncio
import json
import sys

import websockets
from websockets.asyncio.client import connect

import checks
from checks import delete, equal, publish, true

SERVER = sys.argv[1]
STRANGE = "0123456789abcdef.7"


def url(channel, query=""):
    return f"ws://{SERVER}/channels/{channel}{query}"


async def bare():
    async with connect(url("py-bare"), max_size=None) as socket:
        equal(socket.subprotocol, None, "no subprotocol")
        for message in ["héllo", "", b"\x00\xff", b"", "x" * 200_000, bytes(range(256)) * 500]:
            await socket.send(message)
            equal(await socket.recv(), message, "what is sent comes back by its kind")
        await socket.send(iter(["in ", "three ", "parts"]))
        equal(await socket.recv(), "in three parts", "fragments arrive whole")
        await (await socket.ping(b"now"))
        publish(SERVER, "py-bare", "by POST")
        equal(await socket.recv(), "by POST", "POST")
    equal(socket.close_code, 1000, "the closing handshake")

    async with connect(url("py-bare", f"?after={STRANGE}")) as socket:
        try:
            await socket.recv()
            raise SystemExit("a gap closes a bare WebSocket")
        except websockets.ConnectionClosed as closed:
            equal(closed.rcvd.code, 4001, "gap")
            position = closed.rcvd.reason.split(" after=")[1]
    async with connect(url("py-bare", f"?after={position}"), max_size=None) as socket:
        equal(await socket.recv(), "héllo", "the reason's position goes on with all that is kept")

    async with connect(url("py-bare")) as socket:
        delete(SERVER, "py-bare")
        try:
            await socket.recv()
            raise SystemExit("deleting closes a WebSocket")
        except websockets.ConnectionClosed as closed:
            equal(closed.rcvd.code, 4010, "deleted")


async def envelopes():
    protocols = ["chat", "tidings.v1"]
    async with connect(url("py"), subprotocols=protocols) as socket:
        equal(socket.subprotocol, "tidings.v1", "the subprotocol")
        position = json.loads(await socket.recv())["position"]
        true(position.endswith(".0"), "an empty channel has a position")
        for reference, envelope in enumerate(
            [{"publish": "text"}, {"publish": "é\n\u2028", "event": "price"}, {"publish_base64": "AP8="}]
        ):
            await socket.send(json.dumps({**envelope, "ref": reference}))
            pair = [json.loads(await socket.recv()) for _ in range(2)]
            ack = next(one for one in pair if "ack" in one)
            own = next(one for one in pair if "ack" not in one)
            equal((ack["ack"], ack["id"]), (reference, own["id"]), "ack")
            member = "data" if "publish" in envelope else "data_base64"
            equal(own[member], envelope.get("publish", envelope.get("publish_base64")), "own message")
            equal(own.get("event"), envelope.get("event"), "event")
        await socket.send("no JSON")
        equal(json.loads(await socket.recv())["error"]["code"], "malformed", "an error")
        last = own["id"]

    # Away for 30 messages, back at the exact place; five times.
    number = 0
    for _ in range(5):
        for index in range(30):
            publish(SERVER, "py", f"away {number + index}")
        async with connect(url("py", f"?after={last}"), subprotocols=protocols) as socket:
            equal(json.loads(await socket.recv()), {"position": last}, "the position asked for")
            for _ in range(30):
                envelope = json.loads(await socket.recv())
                equal(envelope["data"], f"away {number}", "resumed")
                number, last = number + 1, envelope["id"]

    async with connect(url("py", f"?after={position}"), subprotocols=protocols) as socket:
        await socket.recv()
        gap = json.loads(await socket.recv())["gap"]
        equal((gap["reason"], gap["first"], gap["last"]), ("trimmed", 1, 103), "50 of 153 are kept")
        for number in range(100, 150):
            equal(json.loads(await socket.recv())["data"], f"away {number}", "all that is kept follows")

    async with connect(url("py"), subprotocols=protocols) as socket:
        await socket.recv()
        delete(SERVER, "py")
        equal(json.loads(await socket.recv()), {"deleted": True}, "deleted")


async def refused():
    for target, status in [("%2F", 400), ("a?after=x", 400)]:
        try:
            async with connect(url(target)):
                raise SystemExit("refused before the upgrade")
        except websockets.InvalidStatus as error:
            equal(error.response.status_code, status, target)


asyncio.run(bare())
asyncio.run(envelopes())
asyncio.run(refused())
print(f"websockets {websockets.__version__} (Python): both forms, {checks.count} checks")
