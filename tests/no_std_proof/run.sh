#!/bin/bash
# Proves that the four codecs link no std, runs one exchange through all of them, and compares
# what it logs.
#
# For this machine in any case, with a panic handler that clashes with std's; and for
# wasm32-unknown-unknown with only core and alloc, loaded by Node, where Debian's rustc-web,
# cargo-web, rust-web-src and lld-14 are installed. TIDINGS_WASM=required: fails where they are not.
set -euo pipefail
cd "$(dirname "$0")"
target="${CARGO_TARGET_DIR:-$PWD/target}"
mkdir -p "$target"

echo "no_std proof for this machine: a static library with a panic handler of its own"
cargo rustc --quiet --lib --crate-type staticlib --features own-panic-handler \
    --target-dir "$target/native"
gcc main.c "$target/native/debug/libno_std_proof.a" -o "$target/native/proof"
"$target/native/proof" | diff - expected.txt
if cargo rustc --quiet --lib --crate-type staticlib --features own-panic-handler,with-std \
    --target-dir "$target/native" 2> "$target/with-std.log"; then
    echo "FAILED: the proof passes although std is linked" >&2
    exit 1
fi
grep -q E0152 "$target/with-std.log" || { cat "$target/with-std.log" >&2; exit 1; }
echo "PROVED: no std, and with the feature std the same build is refused (E0152)"

wasm_ld=/usr/bin/wasm-ld-14
wanted="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' ../../Cargo.toml)"
found="$(/usr/bin/rustc --version 2> /dev/null | cut -d ' ' -f 2 || true)"
newest="$(printf '%s\n' "$wanted" "$found" | sort -V | tail -n 1)"
if [[ -n $found && $newest == "$found" && -x $wasm_ld ]] && dpkg -s rust-web-src &> /dev/null; then
    echo "no_std proof for wasm32-unknown-unknown: rustc $found, core and alloc only"
    env -i HOME="$HOME" PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$wasm_ld" \
        /usr/bin/cargo build --quiet --release -Zbuild-std=core,alloc \
        --target wasm32-unknown-unknown --target-dir "$target/wasm"
    library="$target/wasm/wasm32-unknown-unknown/release/no_std_proof.wasm"
    node load.mjs "$library" | diff - expected.txt
    echo "PROVED: all four codecs run in Node, $(stat -c %s "$library") octets, no import"
elif [[ ${TIDINGS_WASM:-} == required ]]; then
    echo "FAILED: no rustc-web of $wanted or above ('$found' found)" >&2
    exit 1
else
    echo "NOT RUN: the proof for WebAssembly; install rustc-web cargo-web rust-web-src lld-14"
fi
