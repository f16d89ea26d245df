#!/bin/bash
# Compiles the module of the playground and says whether the committed one comes from the sources.
#
#   build.sh            compiles it, and writes the module and its stamp
#   build.sh --check    exits 1 where the sources are not those of the stamp, or give another module
#   build.sh --sources  the same of the sources alone, without a compiler
#   build.sh --to FILE  compiles it, and writes the module alone
#
# The module is the same octets wherever the checkout lies. It takes Debian's rustc-web, cargo-web, rust-web-src and
# lld-14, since the toolchain of the workspace has no library for wasm32. `--check` compares octets where the compiler
# is the one of the stamp. Another one may write other octets for the same sources, so it leaves that module beside
# the target folder, and the tests of the workspace hold it to the same answers.
set -euo pipefail
cd "$(dirname "$0")/../.."
root="$PWD"

pages=crates/cli/src/demo/pages
module="$pages/playground.wasm"
stamp="$pages/playground.stamp"
rustc=/usr/bin/rustc
linker=/usr/bin/wasm-ld-14
home="${CARGO_HOME:-$HOME/.cargo}"
target="${CARGO_TARGET_DIR:-$root/target}/playground"
again="crates/playground/build.sh"

# Everything that the module is made of: sources without their tests, and each package with its features.
sources() {
    {
        local crate
        for crate in explain http1 playground sse websocket; do
            find "crates/$crate/src" "crates/$crate/Cargo.toml" -type f ! -name tests.rs ! -path '*/tests/*'
        done
        echo crates/playground/examples/playground.rs
        echo "$again"
    } | LC_ALL=C sort | xargs sha256sum
    cargo tree --quiet --package tidings-playground --edges normal --target wasm32-unknown-unknown --prefix none \
        --format '{p} {f}' | sed 's| (/[^)]*)||; s| (\*)||' | LC_ALL=C sort -u
}

digest() {
    sources | sha256sum | cut -d ' ' -f 1
}

has_compiler() {
    [[ -x $rustc && -x /usr/bin/cargo && -x $linker && -d /usr/lib/rustlib/src/rust/library ]]
}

compile() {
    has_compiler || { echo "needs rustc-web, cargo-web, rust-web-src and lld-14" >&2; return 1; }
    local flags=(--remap-path-prefix="$root=/tidings" --remap-path-prefix="$home=/cargo"
        -Zunstable-options -Cpanic=immediate-abort)
    env -i HOME="$HOME" CARGO_HOME="$home" PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 \
        CARGO_INCREMENTAL=0 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
        CARGO_PROFILE_RELEASE_DEBUG=false \
        CARGO_PROFILE_RELEASE_LTO=fat \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=z \
        CARGO_PROFILE_RELEASE_STRIP=true \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
        RUSTFLAGS="${flags[*]}" \
        /usr/bin/cargo build --quiet --release --locked -Zbuild-std=std -Zbuild-std-features=optimize_for_size \
        --target wasm32-unknown-unknown --target-dir "$target" \
        --package tidings-playground --example playground
    cp "$target/wasm32-unknown-unknown/release/examples/playground.wasm" "$1"
}

stamped() {
    sed -n "s/^$1 //p" "$stamp"
}

check_sources() {
    if [[ $(sha256sum < "$module" | cut -d ' ' -f 1) != "$(stamped module)" ]]; then
        echo "$module is not the module of its stamp; run $again" >&2
        return 1
    fi
    if [[ $(digest) != "$(stamped sources)" ]]; then
        echo "the sources of the playground are not those of $stamp; run $again" >&2
        return 1
    fi
}

case "${1:-}" in
    '')
        compile "$module"
        printf '%s\n' "compiler $("$rustc" --version)" "sources $(digest)" \
            "module $(sha256sum < "$module" | cut -d ' ' -f 1)" > "$stamp"
        echo "$module: $(stat -c %s "$module") octets"
        ;;
    --sources) check_sources ;;
    --to) compile "$2" ;;
    --check)
        check_sources
        built="$target/playground.wasm"
        mkdir -p "$target"
        compile "$built"
        if [[ $("$rustc" --version) != "$(stamped compiler)" ]]; then
            echo "the compiler is $("$rustc" --version), the stamp's is $(stamped compiler): octets are not compared"
            echo "$built is for the tests to compare by its answers"
        elif cmp "$built" "$module"; then
            echo "PROVED: the module comes from the sources, octet for octet"
        else
            echo "the sources give another module; run $again" >&2
            exit 1
        fi
        ;;
    *) sed -n '2,/^set/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
