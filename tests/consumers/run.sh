#!/bin/bash
# Builds and runs each program against our crates as they are published: packed by `cargo package`,
# unpacked beside a copy of the programs. A file that a package leaves out is noticed here.
#
# `run.sh NAME...` runs these programs only.
set -euo pipefail
cd "$(dirname "$0")"
target="${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}"
crates=(http1 websocket sse polling hub client server)

# The programs name our crates by a path that leads to the unpacked ones in the copy.
tree="$target/consumers"
rm -rf "$tree" "$target"/package/tidings-*.crate
mkdir -p "$tree/crates" "$tree/tests"
cp -r . "$tree/tests/consumers"
rm -rf "$tree/tests/consumers/target"
(cd ../.. && CARGO_TARGET_DIR="$target" cargo package --quiet --no-verify --allow-dirty \
    "${crates[@]/#/--package=tidings-}")
printf '\n[patch.crates-io]\n' >> "$tree/tests/consumers/Cargo.toml"
for crate in "${crates[@]}"; do
    mkdir "$tree/crates/$crate"
    # -m: what cargo packs has one date for all times, by which cargo would miss a change.
    tar -xmzf "$target/package/tidings-$crate-"*.crate -C "$tree/crates/$crate" --strip-components 1
    printf 'tidings-%s = { path = "../../crates/%s" }\n' "$crate" "$crate" \
        >> "$tree/tests/consumers/Cargo.toml"
done

cd "$tree/tests/consumers"
# What a program must say about the protocol is short, or the crate's interface is not good enough.
lines() {
    cat "$@" | grep -cvE '^ *(//.*)?$|^use '
}
for protocol in */src/protocol.rs; do
    (($(lines "$protocol") <= 40)) || { echo "$protocol: over 40 lines"; exit 1; }
done
(($(lines http1_proxy/src/{protocol,proxy}.rs) <= 150)) || { echo "the proxy: over 150 lines"; exit 1; }

programs=("$@")
((${#programs[@]} > 0)) || programs=($(dirname */Cargo.toml))
for program in "${programs[@]}"; do
    cargo build --quiet --target-dir "$target" --package "uses-$program"
    begun=$SECONDS
    timeout 120 "$target/debug/uses-$program"
    echo "ran uses-$program, $((SECONDS - begun)) s"
done
