"""What the Python peers share: a count of checks, and publishing by the standard library alone."""

import json
import urllib.request

count = 0


def equal(got, want, what=""):
    """Fails the run where `got` is not `want`."""
    global count
    count += 1
    if got != want:
        raise SystemExit(f"{what}: wanted {want!r:.300}, got {got!r:.300}")


def true(value, what):
    """Fails the run where `value` is not true."""
    equal(bool(value), True, what)


def publish(server, channel, data, **parameters):
    """Publishes by POST; gives the position."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    request = urllib.request.Request(f"http://{server}/channels/{channel}?{query}", data=data, method="POST")
    request.add_header("Content-Type", "text/plain" if isinstance(data, str) else "application/octet-stream")
    if isinstance(data, str):
        request.data = data.encode()
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["id"]


def delete(server, channel):
    """Deletes a channel."""
    request = urllib.request.Request(f"http://{server}/channels/{channel}", method="DELETE")
    with urllib.request.urlopen(request, timeout=10) as answer:
        equal(answer.status, 204, "DELETE")
