"""Gives the corpus of HTTP/1.1 to h11 and to llhttp, and prints where they and this project's codec disagree.

    cargo build -p tidings-http1 --example verdicts
    tests/peers/.venv/bin/python tests/peers/python/http1_readers.py [PATH_OF_verdicts]

A disagreement is no fault by itself: the RFC leaves choices, llhttp is a parser without Host rules, and h11 leaves
targets to its caller. Each is printed with our reason. The run fails where our verdict is not that of the corpus.
Rows with limits of their own are left out: the readers have none that mean the same.
"""

import json
import pathlib
import subprocess
import sys

import h11
import httptools

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = ROOT / "crates/http1/tests/corpus"


def cases():
    files = sorted(CORPUS.glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [row for row in rows if "limits" not in row]


def ours(rows):
    """What the codec says, by the example program that reads the same rows."""
    program = sys.argv[1:] or ["cargo", "run", "-q", "-p", "tidings-http1", "--example", "verdicts"]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run(program, input=text, capture_output=True, text=True, cwd=ROOT, check=True)
    return {said["id"]: said for said in map(json.loads, done.stdout.splitlines())}


def by_h11(row):
    """The verdict of h11, and how many messages it read."""
    serves = row["role"] == "server"
    connection = h11.Connection(h11.SERVER if serves else h11.CLIENT)
    methods = list(row.get("methods") or ["GET"])
    count, whole = 0, True

    def ask():
        method = methods.pop(0)
        target = "a:1" if method == "CONNECT" else "/"
        connection.send(h11.Request(method=method, target=target, headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())

    try:
        if not serves:
            ask()
        connection.receive_data(row["bytes"].encode("latin-1"))
        ended = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if row.get("eof") and not ended:
                    ended = True
                    connection.receive_data(b"")
                    continue
                break
            if event is h11.PAUSED:
                if connection.their_state in (h11.MIGHT_SWITCH_PROTOCOL, h11.SWITCHED_PROTOCOL):
                    count += not serves
                    whole = True
                    break
                if connection.their_state is not h11.DONE or connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
                if not serves:
                    if not methods:
                        break
                    ask()
                continue
            if isinstance(event, h11.ConnectionClosed):
                break
            if isinstance(event, (h11.Request, h11.Response)):
                whole = False
            if isinstance(event, h11.EndOfMessage):
                whole, count = True, count + 1
                offered = connection.their_state is h11.MIGHT_SWITCH_PROTOCOL
                if serves and not offered and connection.our_state is h11.SEND_RESPONSE:
                    connection.send(h11.Response(status_code=204, headers=[]))
                    connection.send(h11.EndOfMessage())
                elif not serves and not methods:
                    break
                if serves and connection.their_state in (h11.MUST_CLOSE, h11.CLOSED):
                    break  # What stands behind is nobody's.
    except h11.RemoteProtocolError as error:
        if row.get("eof") and "peer" in str(error):
            return "incomplete", count, str(error)
        return "reject", count, str(error)
    over = connection.their_state in (h11.MUST_CLOSE, h11.CLOSED, h11.SWITCHED_PROTOCOL, h11.MIGHT_SWITCH_PROTOCOL)
    left = serves and not over and connection.trailing_data[0]
    return ("accept" if count and whole and not left else "incomplete"), count, ""


class Counter:
    """The callbacks of httptools: how many messages began and ended, and whether the last one said `close`."""

    def __init__(self, kind):
        self.parser = kind(self)
        self.begun = self.complete = 0
        self.closed = False

    def on_message_begin(self):
        self.begun += 1

    def on_message_complete(self):
        status = getattr(self.parser, "get_status_code", lambda: 200)()
        if 100 <= status < 200 and status != 101:
            self.begun -= 1
        else:
            self.complete += 1
        self.closed = not self.parser.should_keep_alive()


def by_llhttp(row):
    """The verdict of llhttp, or none: without the request's method it cannot frame the answers to HEAD and CONNECT."""
    if {"HEAD", "CONNECT"} & set(row.get("methods") or []) or row.get("eof"):
        return None
    kind = httptools.HttpRequestParser if row["role"] == "server" else httptools.HttpResponseParser
    seen = Counter(kind)
    try:
        seen.parser.feed_data(row["bytes"].encode("latin-1"))
    except httptools.HttpParserUpgrade:
        return "accept", max(seen.complete, 1), ""
    except httptools.HttpParserError as error:
        if seen.closed:
            return "accept", seen.complete, ""  # Octets behind the last message: the caller would not feed them.
        return "reject", seen.complete, str(error)
    return ("accept" if seen.begun == seen.complete > 0 else "incomplete"), seen.complete, ""


def main():
    rows = cases()
    said = ours(rows)
    wrong = differ = compared = 0
    for row in rows:
        mine = said[row["id"]]
        want = row["policy"] if row["expect"] == "either" else row["expect"]
        if mine["verdict"] != want.split("-")[0]:
            wrong += 1
            print(f"WRONG {row['id']}: {want} wanted, {mine}")
        reason = mine["reason"] or row["note"] or "legal"
        for name, read in (("h11", by_h11), ("llhttp", by_llhttp)):
            theirs = read(row)
            if theirs is None:
                continue
            compared += 1
            # How many messages stand in front of an error says nothing about the error.
            same_count = theirs[1] == mine["messages"] or mine["verdict"] == "reject"
            if theirs[0] == mine["verdict"] and same_count:
                continue
            differ += 1
            choice = "either is allowed" if row["expect"] == "either" else row["level"]
            print(f"{row['id']}: {name} {theirs[0]} ({theirs[1]}), we {mine['verdict']} ({mine['messages']}), {choice}")
            print(f"    we: {reason} [RFC {row['rfc']}]")
            if theirs[2]:
                print(f"    {name}: {theirs[2]}")
    print(f"{len(rows)} cases, {compared} comparisons, {differ} disagreements, {wrong} wrong verdicts of ours")
    print(f"h11 {h11.__version__}, httptools {httptools.__version__}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
