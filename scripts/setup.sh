#!/usr/bin/env bash
# Makes sure of what the build needs: Rust, a C++ compiler, Verilator; for tests also Yosys. Installs system packages
# through apt where it may (root or password-less sudo); else it says exactly what is missing. Quiet when all is there.
set -euo pipefail

need=()
have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    echo "setup: cargo is missing. Install Rust with rustup (https://rustup.rs); rust-toolchain.toml picks the version." >&2
    exit 1
fi
have clang++ || need+=(clang)
have ld || need+=(binutils)
have g++ || need+=(g++) # its standard library headers serve clang++ too
have pkg-config || need+=(pkg-config)
if [ -n "${VERILATOR:-}" ]; then
    have "$VERILATOR" || { echo "setup: VERILATOR is set to '$VERILATOR', which cannot be run." >&2; exit 1; }
elif ! have verilator; then
    need+=(verilator)
fi
for extra in "$@"; do
    case $extra in
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null || need+=(python3 python3-venv) ;;
    openFPGALoader) have openFPGALoader || need+=(openfpgaloader) ;;
    tclsh) have tclsh || need+=(tcl) ;;
    *) have "$extra" || need+=("$extra") ;;
    esac
done
[ ${#need[@]} -eq 0 ] && exit 0

run=()
if [ "$(id -u)" -ne 0 ]; then
    if have sudo && sudo -n true 2>/dev/null; then
        run=(sudo)
    else
        echo "setup: missing: ${need[*]}" >&2
        echo "setup: neither root nor password-less sudo here; run: sudo apt-get install ${need[*]}" >&2
        exit 1
    fi
fi
if ! have apt-get; then
    echo "setup: missing: ${need[*]}, and there is no apt-get here; install them with your system's package manager" >&2
    exit 1
fi
echo "setup: installing ${need[*]}"
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
