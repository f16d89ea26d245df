#!/bin/bash
# Changes one thing at a time in the sources of a codec and asks whether a test notices.
#
#     tests/mutants.sh http1                                   # about a second of a core for each change
#     tests/mutants.sh http1 -f crates/http1/src/scan.rs       # one file; other options of cargo-mutants as well
#
# The work is done in a copy, whose integration tests are modules of the crate: then a change costs
# one compilation and one link instead of a dozen.
# The lists caught.txt, missed.txt, timeout.txt and unviable.txt are in the folder that the last
# line names; docs/mutants.md explains each change that is missed.
set -euo pipefail
cd "$(dirname "$0")/.."
crate="${1:?name a crate, such as http1}"
shift
cargo mutants --version > /dev/null || { echo "run: cargo install --locked cargo-mutants"; exit 2; }

scratch="${MUTANTS_DIR:-${TMPDIR:-/tmp}/tidings-mutants}/$crate"
tree="$scratch/tree"
rm -rf "$tree"
mkdir -p "$tree"
# Of the files that are there; git also lists those that were removed and not committed.
git ls-files -z --cached --others --exclude-standard \
    | while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done \
    | xargs -0 cp --parents -t "$tree"

cd "$tree/crates/$crate"
mkdir merged
for file in tests/*.rs tests/*/main.rs; do
    # A test that counts allocations is alone in its process.
    [[ -e $file ]] && ! grep -q 'global_allocator' "$file" || continue
    name="$(basename "${file%/main.rs}" .rs)"
    printf '#[path = "../%s"]\nmod %s;\n' "$file" "$name" >> merged/all.rs
done
# cargo-mutants builds all that cargo would test.
sed -i '0,/^\[package\]$/s//[package]\nautotests = false\nautoexamples = false\nautobenches = false/' Cargo.toml
# A test knows the crate by its name, and has std.
sed -i '/^#!\[no_std\]$/d' src/lib.rs
printf '\n#[cfg(test)]\nextern crate self as tidings_%s;\n#[cfg(test)]\n#[path = "../merged/all.rs"]\nmod merged;\n' \
    "$crate" >> src/lib.rs

cd "$tree"
# A random test that fails need not be made small, and the first failure is enough: libtest stops
# there where it may use unstable options, to which RUSTC_BOOTSTRAP opens it.
export PROPTEST_CASES="${PROPTEST_CASES:-12}" PROPTEST_MAX_SHRINK_ITERS=0 RUSTC_BOOTSTRAP=1
export PROPTEST_DISABLE_FAILURE_PERSISTENCE=true CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=1
set +e
cargo mutants --package "tidings-$crate" --all-features --no-shuffle \
    --output "$scratch" "$@" -- --lib -- -Zunstable-options --fail-fast
code=$?
set -e
cd "$scratch/mutants.out"
wc -l caught.txt missed.txt timeout.txt unviable.txt
echo "lists: $scratch/mutants.out"
# 2: some were missed; 3: some ran into the time limit. Both are for a reader to judge.
((code == 0 || code == 2 || code == 3))
