"""aiohttp against one server: publishing, polls, long polls, an event stream and both WebSocket forms.

Usage: aiohttp_peer.py HOST:PORT
"""

import asyncio
import base64
import json
import sys

import aiohttp

import checks
from checks import equal, true
from streams import Events

SERVER = sys.argv[1]
STRANGE = "0123456789abcdef.7"


def url(channel, query=""):
    return f"http://{SERVER}/channels/{channel}{query}"


async def publish(session, channel, data, query="", **headers):
    async with session.post(url(channel, query), data=data, headers=headers) as answer:
        equal(answer.status, 200, "POST")
        return (await answer.json())["id"]


async def polls(session):
    async def parts():
        for part in [b"a ", b"", b"body ", b"in chunks"]:
            yield part

    async with session.get(url("polls")) as answer:
        start = (await answer.json())["position"]
    ids = [await publish(session, "polls", text) for text in ["one", "two"]]
    ids.append(await publish(session, "polls", parts(), **{"Content-Type": "text/plain"}))
    async with session.get(url("polls", f"?after={start}")) as answer:
        equal(answer.content_type, "application/json", "type")
        page = await answer.json()
        equal([message["data"] for message in page["messages"]], ["one", "two", "a body in chunks"], "page")
        tag = answer.headers["ETag"]
    async with session.get(url("polls"), headers={"If-None-Match": tag}) as answer:
        equal((answer.status, await answer.read()), (304, b""), "304")
    async with session.get(url("polls"), headers={"If-None-Match": tag, "Prefer": "wait=1"}) as answer:
        equal((answer.status, answer.headers["Preference-Applied"]), (304, "wait=1"), "a wait that ends")

    async def held():
        async with session.get(url("polls", f"?after={ids[2]}&wait=30")) as answer:
            return await answer.json()

    waiting = [asyncio.create_task(held()) for _ in range(5)]
    await asyncio.sleep(0.2)
    await publish(session, "polls", "news")
    for page in await asyncio.gather(*waiting):
        equal(page["messages"][0]["data"], "news", "a held poll")
    async with session.get(url("polls", f"?after={STRANGE}")) as answer:
        equal((await answer.json())["gap"]["reason"], "epoch", "gap")
    for method, target, status in [("GET", "%2F", 400), ("GET", "a/b", 404), ("PUT", "a", 405)]:
        target = aiohttp.client.URL(url(target), encoded=True)
        async with session.request(method, target) as answer:
            equal((answer.status, answer.content_type), (status, "application/problem+json"), target)


async def events(session):
    async with Events(session, url("sse")) as stream:
        true(1000 <= (await stream.block())["retry"] <= 5000, "retry")
        ids = []
        for text, event in [("one", None), ("two\nlines\n", "price"), ("", None)]:
            ids.append(await publish(session, "sse", text, f"?event={event or 'message'}"))
            block = await stream.event()
            equal((block["id"], block.get("event"), block["data"]), (ids[-1], event, text), "event")
        octets = {"Content-Type": "application/octet-stream"}
        await publish(session, "sse", b"\x00\xff", **octets)
        block = await stream.event()
        equal((block["event"], base64.b64decode(block["data"])), ("message;base64", b"\x00\xff"), "binary")
    async with Events(session, url("sse"), {"Last-Event-ID": ids[0]}) as stream:
        equal((await stream.block())["id"], ids[0], "the position asked for")
        equal((await stream.event())["data"], "two\nlines\n", "resumed")
    async with Events(session, url("sse"), {"Last-Event-ID": STRANGE}) as stream:
        block = await stream.event()
        equal((block["event"], json.loads(block["data"])["reason"]), ("tidings.gap", "epoch"), "gap")


async def sockets(session):
    async with session.ws_connect(url("ws")) as socket:
        await socket.send_str("text")
        await socket.send_bytes(b"\xff")
        equal(await socket.receive_str(), "text", "text")
        equal(await socket.receive_bytes(), b"\xff", "binary")
        await socket.ping(b"x")
    equal(socket.close_code, 1000, "the closing handshake")
    async with session.ws_connect(url("ws", "?from=earliest"), protocols=["tidings.v1"]) as socket:
        equal(socket.protocol, "tidings.v1", "the subprotocol")
        true("position" in await socket.receive_json(), "a position first")
        equal((await socket.receive_json())["data"], "text", "envelope")
        equal((await socket.receive_json())["data_base64"], "/w==", "envelope of octets")
        await socket.send_json({"publish": "mine", "ref": 1})
        pair = [await socket.receive_json(), await socket.receive_json()]
        true({"mine", None} == {one.get("data") for one in pair}, "ack and own message")


async def main():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        await polls(session)
        await events(session)
        await sockets(session)
    print(f"aiohttp {aiohttp.__version__} (Python): polls, SSE and both WebSocket forms, {checks.count} checks")


asyncio.run(main())
