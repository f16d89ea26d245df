"""Readers on several transports at once, through a proxy: each gets every message, once and in order.

Usage: nothing_lost.py HOST:PORT short-poll,long-poll,sse,websocket,tidings.v1
"""

import asyncio
import sys

import aiohttp

from checks import equal
from streams import Events

SERVER, TRANSPORTS = sys.argv[1], sys.argv[2].split(",")
COUNT = 300
URL = f"http://{SERVER}/channels/proxied"
WANT = [f"message {number}\nof {COUNT}" for number in range(COUNT)]


async def poll(session, wait):
    """Walks by the entity tags that come out of the proxy, weakened or not."""
    got, headers, query = [], {}, "?from=earliest"
    if wait:
        headers["Prefer"] = "wait=10"
    while len(got) < COUNT:
        async with session.get(URL + query, headers=headers) as answer:
            headers["If-None-Match"], query = answer.headers["ETag"], ""
            if answer.status == 304:
                await asyncio.sleep(0.02)
                continue
            equal(answer.status, 200, "poll")
            page = await answer.json()
            equal(page.get("gap"), None, "gap")
            got += [message["data"] for message in page["messages"]]
    return got


async def events(session):
    """Reads an event stream that is cut off after 40 events, again and again."""
    got, headers, query = [], {}, "?from=earliest"
    while len(got) < COUNT:
        async with Events(session, URL + query, headers) as stream:
            for _ in range(min(40, COUNT - len(got))):
                block = await asyncio.wait_for(stream.event(), 20)
                equal(block.get("event"), None, "gap")
                got.append(block["data"])
                headers["Last-Event-ID"] = block["id"]
    return got


async def bare(session):
    got = []
    async with session.ws_connect(URL + "?from=earliest") as socket:
        while len(got) < COUNT:
            got.append(await socket.receive_str(timeout=20))
    return got


async def envelopes(session):
    """Reads envelopes, over a new WebSocket after every 40."""
    got, query = [], "?from=earliest"
    while len(got) < COUNT:
        async with session.ws_connect(URL + query, protocols=["tidings.v1"]) as socket:
            await socket.receive_json(timeout=20)
            for _ in range(min(40, COUNT - len(got))):
                envelope = await socket.receive_json(timeout=20)
                got.append(envelope["data"])
                query = f"?after={envelope['id']}"
    return got


async def main():
    readers = {
        "short-poll": lambda session: poll(session, wait=False),
        "long-poll": lambda session: poll(session, wait=True),
        "sse": events,
        "websocket": bare,
        "tidings.v1": envelopes,
    }
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        tasks = {name: asyncio.create_task(readers[name](session)) for name in TRANSPORTS}
        for text in WANT:
            async with session.post(URL, data=text) as answer:
                equal(answer.status, 200, "POST")
        for name, task in tasks.items():
            equal(await task, WANT, name)
    print(f"{COUNT} messages by each of {', '.join(TRANSPORTS)}")


asyncio.run(main())
