#!/usr/bin/env bash
# Fuzzes what reads bytes of others: the vfio-user server and client, and the decoder of completion rings. Seconds for each
# target: $1 (60). Sanitizers are the nightly compiler's; where there is none, the pinned one is told to act as it.
# cargo-fuzz is put into the build folder.
set -euo pipefail

cd "$(dirname "$0")/../driver"
toolchain=()
if rustup run nightly rustc --version >/dev/null 2>&1; then
    toolchain=(+nightly)
else
    export RUSTC_BOOTSTRAP=1
fi
tools=$(realpath -m "${CARGO_TARGET_DIR:-../target}")/tools
export PATH=$tools/bin:$PATH
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked --root "$tools"
for target in server client rings; do
    echo "fuzz: $target, ${1:-60} s"
    cargo "${toolchain[@]}" fuzz run --fuzz-dir fuzz "$target" -- -max_total_time="${1:-60}" -max_len=8192 -verbosity=0 -print_final_stats=1 -timeout=10
done
