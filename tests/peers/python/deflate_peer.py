"""permessage-deflate of the `websockets` library, as clients of one server or as a server.

Usage: deflate_peer.py client HOST:PORT COUNT, where the server wants something else at each path /0 to /COUNT-1;
deflate_peer.py server, which prints its port and echoes until it is ended;
deflate_peer.py channel HOST:PORT, which reads the three messages of /channels/a.
"""

import asyncio
import itertools
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

import checks
from checks import equal, true

LONG = "Tidings of great joy. " * 3000
MESSAGES = ["Hello", "", "Hello", LONG, bytes(range(256)) * 300, b"\x00" * 100_000, "κόσμε", LONG]


def offers():
    for server, client in itertools.product([False, True], repeat=2):
        for server_bits, client_bits in [(None, True), (10, 11), (15, 15), (None, 12), (12, None)]:
            yield ClientPerMessageDeflateFactory(
                server_no_context_takeover=server,
                client_no_context_takeover=client,
                server_max_window_bits=server_bits,
                client_max_window_bits=client_bits,
            )


async def client(server, count):
    compressed = 0
    for path, offer in itertools.product(range(count), offers()):
        uri = f"ws://{server}/{path}"
        async with connect(uri, extensions=[offer], compression=None, max_size=None) as socket:
            compressed += len(socket.protocol.extensions)
            for message in MESSAGES:
                await socket.send(message)
                equal(await socket.recv(), message, f"{uri}: {offer.get_request_params()}")
            await socket.send(iter(["in ", "three ", "parts"]))
            equal(await socket.recv(), "in three parts", "fragments")
            await (await socket.ping(b"between"))
        equal(socket.close_code, 1000, "the closing handshake")
    true(compressed >= count * 12, f"{compressed} of {count * 20} compress")
    name = f"websockets {websockets.__version__} (Python)"
    print(f"{name}: {compressed} of {count * 20} handshakes compress, {checks.count} checks")


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def server():
    extensions = [ServerPerMessageDeflateFactory()]
    async with serve(echo, "127.0.0.1", 0, extensions=extensions, compression=None, max_size=None) as listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


async def channel(server):
    """What `tidings serve --deflate` compressed once, by an offer with windows of 4 KiB, the library's default."""
    wanted = ["short", "small " * 200, "large " * 2000]
    async with connect(f"ws://{server}/channels/a?from=earliest") as socket:
        equal([extension.name for extension in socket.protocol.extensions], ["permessage-deflate"], "the answer")
        for message in wanted:
            equal(await socket.recv(), message, "a message of the channel")
    equal(socket.close_code, 1000, "the closing handshake")
    print(f"websockets {websockets.__version__} (Python): {checks.count} checks")


if sys.argv[1] == "channel":
    asyncio.run(channel(sys.argv[2]))
elif sys.argv[1] == "client":
    asyncio.run(client(sys.argv[2], int(sys.argv[3])))
else:
    asyncio.run(server())
