#!/usr/bin/env bash
# The main job: a Miden program proved on the simulated board, verified by miden-vm, and equal byte by byte to the proof of
# Miden's own prover.
set -euo pipefail
hotloop=$1
examples=$(dirname "$0")/../examples
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
prove() { "$hotloop" prove --zkvm miden "$examples/fibonacci.masm" --inputs "$examples/fibonacci.json" "$@"; }

echo "== proving examples/fibonacci.masm on the simulated board"
prove --device sim --out "$out/sim.proof"
echo
echo "== proving it with Miden's own, unmodified prover"
prove --device cpu --out "$out/cpu.proof"
echo
echo "== verifying with Miden's own verifier"
"$hotloop" verify "$out/sim.proof"
cmp "$out/sim.proof" "$out/cpu.proof"
echo "the board's proof equals the CPU's: $(wc -c <"$out/sim.proof") bytes, sha256 $(sha256sum <"$out/sim.proof" | cut -c1-16)…"
