#!/usr/bin/env bash
# The main job: a STARK proved on the simulated board, verified by starky, and equal byte by byte to the CPU's.
set -euo pipefail
hotloop=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

echo "== proving on the simulated board"
"$hotloop" prove --device sim --air fibonacci --log-rows 12 --out "$out/sim.bin"
echo
echo "== proving with the unmodified CPU prover"
"$hotloop" prove --device cpu --air fibonacci --log-rows 12 --out "$out/cpu.bin"
echo
echo "== verifying with starky's own verifier"
"$hotloop" verify "$out/sim.bin"
cmp "$out/sim.bin" "$out/cpu.bin"
echo "the board's proof equals the CPU's: $(wc -c <"$out/sim.bin") bytes, sha256 $(sha256sum <"$out/sim.bin" | cut -c1-16)…"
