"""httpx-sse against one server: a stream that is resumed by Last-Event-ID, binary, a gap, a deleted channel.

Usage: httpx_sse_peer.py HOST:PORT
"""

import asyncio
import base64
import json
import sys
from importlib.metadata import version

import httpx
from httpx_sse import aconnect_sse, connect_sse

import checks
from checks import delete, equal, publish, true

SERVER = sys.argv[1]
URL = f"http://{SERVER}/channels/httpx"
STRANGE = "0123456789abcdef.7"


class Reader:
    """Messages of a stream.

    httpx-sse hands out every block, those without data too: the first one, which has the position that the
    stream starts from, and heartbeats, which repeat the position. A message is what moves the position.
    """

    def __init__(self, events):
        self.events, self.position = aiter(events), None

    async def start(self):
        first = await anext(self.events)
        equal(first.data, "", "the first block dispatches nothing")
        self.position = first.id
        return first

    async def message(self):
        async for event in self.events:
            if event.id != self.position:
                self.position = event.id
                return event
        return None


async def main():
    async with httpx.AsyncClient(timeout=20) as client:
        want = []
        async with aconnect_sse(client, "GET", URL) as source:
            equal(source.response.headers["cache-control"], "no-store, no-transform", "not cached")
            reader = Reader(source.aiter_sse())
            first = await reader.start()
            true(1000 <= first.retry <= 5000, "retry")
            # Lines that other readers cut in the wrong places.
            for text, event in [("one", "message"), ("two\nlines\n", "price"), ("u\u2028v\x85w", "message"), ("", "message")]:
                want.append(publish(SERVER, "httpx", text, event=event))
                got = await reader.message()
                equal((got.id, got.event, got.data), (want[-1], event, text), "event")
            want.append(publish(SERVER, "httpx", b"\x00\xff"))
            got = await reader.message()
            equal((got.event, base64.b64decode(got.data)), ("message;base64", b"\x00\xff"), "binary")

        # Published while nobody reads: it comes behind the position.
        away = [publish(SERVER, "httpx", f"away {number}") for number in range(20)]
        async with aconnect_sse(client, "GET", URL, headers={"Last-Event-ID": want[-1]}) as source:
            reader = Reader(source.aiter_sse())
            equal((await reader.start()).id, want[-1], "the position asked for")
            equal([(await reader.message()).id for _ in away], away, "resumed")

        async with aconnect_sse(client, "GET", URL, headers={"Last-Event-ID": STRANGE}) as source:
            reader = Reader(source.aiter_sse())
            await reader.start()
            gap = await reader.message()
            equal((gap.event, json.loads(gap.data)["reason"]), ("tidings.gap", "epoch"), "gap")
            equal(json.loads(gap.data)["next"], gap.id, "the gap moves the position")
            equal((await reader.message()).data, "one", "all that is kept follows")

    # The same without asyncio, to the end of the stream.
    with httpx.Client(timeout=20) as client, connect_sse(client, "GET", URL, params={"from": "-1"}) as source:
        events = source.iter_sse()
        next(events)
        equal(next(events).data, "away 19", "the last one")
        delete(SERVER, "httpx")
        equal([event.data for event in events], [], "the stream ends well")

    print(f"httpx-sse {version('httpx-sse')} (Python): a stream resumed and ended, {checks.count} checks")


asyncio.run(main())
