"""Gives the octets of h11's own tests to this project's codec, and prints each disagreement with our reason.

    cargo build -p tidings-http1 --example verdicts
    tests/peers/.venv/bin/python tests/peers/python/http1_h11_cases.py [PATH_OF_verdicts]

The tests come with h11's source package, which pip fetches. They run under pytest as they are; what their connections
and readers are fed is recorded, and is a case: whole, in either role. h11 and the codec then judge the same octets.
The run fails where a disagreement has no reason in REASONS, or a reason has no disagreement.
"""

import pathlib
import subprocess
import sys
import tempfile

from importlib.metadata import version

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

UNASKED = "a 101 is handed over; whether this request offered the protocol is for the caller to check"
BARE_LF = "LF alone ends no line unless `bare_lf` is on; h11 takes it and waits for the end of the content"
NOT_HTTP = "no response begins so, and that is told at its first octet; h11 waits for the line to end"

# Why we judge otherwise than h11 does, by the test that the octets are from and their number there.
REASONS = {
    "test_readers_simple 4": UNASKED,
    "test_readers_simple 5": UNASKED,
    "test_protocol_switch 10": UNASKED,
    "test_protocol_switch 13": UNASKED,
    "test_protocol_switch 19": UNASKED,
    "test_protocol_switch 20": UNASKED,
    "test_protocol_switch 11": "Upgrade without its Connection option is ignored, so the octets behind are a request",
    "test_protocol_switch 12": "Upgrade without its Connection option is ignored, so the next request is one",
    "test_readers_unusual 8": BARE_LF,
    "test_readers_unusual 9": BARE_LF,
    "test_readers_unusual 10": BARE_LF,
    "test_readers_unusual 11": "a fold in a request is refused unless `fold_to_sp` is on",
    "test_ChunkedReader 9": "white space behind a chunk size is refused unless `space_after_chunk_size` is on",
    "test_allow_some_garbage_in_cookies 1": "a control octet in a value is refused unless `ctl_in_values` is on",
    "test_max_incomplete_event_size_countermeasure 1": "our limit on a head is 32 KiB, and h11's is 16",
    "test_close_simple 2": NOT_HTTP,
    "test_close_simple 3": NOT_HTTP,
    "test_empty_request 1": "a blank line in front of a request is skipped, up to eight of them",
}


def fetch(folder):
    """Unpacks the source package of the h11 that is installed, and gives the folder of the package."""
    wanted = f"h11=={version('h11')}"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "download", "--no-binary", ":all:", "--no-deps", "--dest", folder, wanted], check=True)
    [archive] = pathlib.Path(folder).glob("h11-*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    return archive.with_suffix("").with_suffix("")


class Recorder:
    """A plugin of pytest that writes down what each test feeds to h11."""

    def __init__(self):
        self.cases = {}
        self.test = ""
        self.connections = []

    def add(self, role, octets, eof=False, methods=()):
        case = {"role": role, "bytes": bytes(octets).decode("latin-1"), "eof": eof, "methods": list(methods)}
        if octets and case not in self.cases.values():
            number = sum(name.startswith(self.test + " ") for name in self.cases) + 1
            self.cases[f"{self.test} {number}"] = case

    def pytest_runtest_setup(self, item):
        self.test = item.name
        self.connections = []

    def pytest_runtest_teardown(self):
        for connection in self.connections:
            seen = connection.seen
            self.add(seen["role"], seen["octets"], seen["eof"], seen["methods"])

    def watch(self):
        """Puts itself between the tests and h11."""
        import h11
        from h11.tests import test_io

        begin, receive, send = h11.Connection.__init__, h11.Connection.receive_data, h11.Connection.send

        def init(connection, our_role, max_incomplete_event_size=None):
            if max_incomplete_event_size is None:
                begin(connection, our_role)
                role = "server" if our_role is h11.SERVER else "client"
                connection.seen = {"role": role, "octets": bytearray(), "eof": False, "methods": []}
                self.connections.append(connection)
            else:
                begin(connection, our_role, max_incomplete_event_size)
                connection.seen = None

        def receive_data(connection, data):
            if connection.seen is not None:
                connection.seen["octets"] += data
                connection.seen["eof"] |= not data
            receive(connection, data)

        def send_event(connection, event):
            octets = send(connection, event)
            if connection.seen is not None and isinstance(event, h11.Request):
                connection.seen["methods"].append(event.method.decode())
            return octets

        h11.Connection.__init__, h11.Connection.receive_data = init, receive_data
        h11.Connection.send = send_event

        read_one, read_body = test_io.tr, test_io.t_body_reader

        def tr(reader, data, expected):
            serves = reader is test_io.READERS[h11.CLIENT, h11.IDLE]
            # The readers look at a head alone; the rule that 1.1 needs a Host is the connection's.
            self.add("server" if serves else "client", data, methods=() if serves else ["GET"])
            read_one(reader, data, expected)

        def t_body_reader(thunk, data, expected, do_eof=False):
            reader = thunk()
            if isinstance(reader, test_io.ChunkedReader):
                self.add("server", CHUNKED + data, do_eof)
            elif isinstance(reader, test_io.ContentLengthReader):
                length = reader._length
                self.add("server", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length + data, do_eof)
            else:
                self.add("client", b"HTTP/1.0 200 OK\r\n\r\n" + data, do_eof, ["GET"])
            read_body(thunk, data, expected, do_eof)

        test_io.tr, test_io.t_body_reader = tr, t_body_reader


def record(package):
    import pytest

    sys.path.insert(0, str(package))
    recorder = Recorder()
    recorder.watch()
    tests = [str(package / "h11/tests" / name) for name in ("test_io.py", "test_connection.py", "test_state.py")]
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--no-header", *tests], plugins=[recorder])
    assert code == 0, "h11 fails its own tests"
    return [{"id": name, **case} for name, case in recorder.cases.items()]


def main():
    with tempfile.TemporaryDirectory() as folder:
        rows = record(fetch(folder))
        # Only from here on: it imports h11, which must be the one of the source package.
        from http1_readers import by_h11, ours

        said = ours(rows)
        differ, unused, unexplained = 0, set(REASONS), 0
        for row in rows:
            mine, theirs = said[row["id"]], by_h11(row)
            same_count = theirs[1] == mine["messages"] or mine["verdict"] == "reject"
            if theirs[0] == mine["verdict"] and same_count:
                continue
            differ += 1
            test = row["id"]
            reason = REASONS.get(test)
            unused.discard(test)
            unexplained += reason is None
            print(f"{test}: h11 {theirs[0]} ({theirs[1]}), we {mine['verdict']} ({mine['messages']})")
            print(f"    octets: {row['bytes'].encode('latin-1')[:160]!r}{' and the end' if row['eof'] else ''}")
            print(f"    we: {reason or 'NO REASON ON FILE'}{'; ' + mine['reason'] if mine['reason'] else ''}")
            if theirs[2]:
                print(f"    h11: {theirs[2]}")
    for name in sorted(unused):
        print(f"A REASON WITHOUT A DISAGREEMENT: {name}")
    print(f"{len(rows)} cases of h11 {version('h11')}, {differ} disagreements, {unexplained} without a reason")
    return unexplained > 0 or bool(unused)


if __name__ == "__main__":
    sys.exit(main())
