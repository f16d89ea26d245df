#!/bin/bash
# Builds and runs each program; each uses one crate of ours alone and asserts what it does.
set -euo pipefail
cd "$(dirname "$0")"
target="${CARGO_TARGET_DIR:-$PWD/target}"
for program in http1 websocket sse polling hub client server; do
    cargo build --quiet --target-dir "$target" --package "uses-$program"
    timeout 30 "$target/debug/uses-$program"
    echo "ran uses-$program"
done
