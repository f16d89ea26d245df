#!/usr/bin/env bash
# Runs the suite in both roles at once: against `tidings serve --echo`, and against the client of `client.rs`.
#   usage: run.sh BINDIR [-c CASES] [-x EXCLUDED] [-t SECONDS]
#   BINDIR    where cargo put the binaries: target/debug, or target/release (better for groups 9, 12 and 13)
#   CASES, EXCLUDED, SECONDS and $AUTOBAHN_ENV: as in run-server.sh
# Reports are left in $AUTOBAHN_OUT (default: a new folder of mktemp), under server/ and client/.
# Exit: 0 when both roles are clean.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || { sed -n 2,7p "${BASH_SOURCE[0]}"; exit 64; }
bin=$(cd "$1" && pwd); shift
out=${AUTOBAHN_OUT:-$(mktemp -d)}
mkdir -p "$out"

"$bin/tidings" serve --echo --listen 127.0.0.1:0 > "$out/listening" 2> "$out/serve.log" &
server=$!
trap 'kill "$server" 2> /dev/null || true' EXIT
for _ in $(seq 100); do
  url=$(sed -n 's,^listening on http://,ws://,p' "$out/listening")
  [ -z "$url" ] || break
  sleep 0.1
done
[ -n "$url" ] || { echo "the server did not start:"; cat "$out/serve.log"; exit 2; }

"$here/run-client.sh" "$@" -o "$out/client" -- "$bin/examples/autobahn_client" > "$out/client.txt" 2>&1 &
client=$!
status=0
"$here/run-server.sh" "$url/echo" "$@" -o "$out/server" || status=$?
wait "$client" || status=$?
cat "$out/client.txt"
exit "$status"
