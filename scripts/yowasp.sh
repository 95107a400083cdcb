#!/usr/bin/env bash
# Puts packages of PyPI (YoWASP's open FPGA tools, solvers) into a virtual environment FOLDER/venv, once.
#
#   yowasp.sh FOLDER PACKAGE==VERSION...
#
# A FOLDER that has just these packages is left as it is; FOLDER/cache is for YOWASP_CACHE_DIR, since the tools are
# WebAssembly and their first start compiles them. Exit status 3: cannot be had here, with the reason on stderr.
set -euo pipefail
folder=$1
shift
cannot() { echo "yowasp: $*" >&2; exit 3; }
mkdir -p "$folder"
exec 8>"$folder/.lock"
flock 8 # of several that want the same, one installs
[ "$(cat "$folder/venv/.packages" 2>/dev/null)" = "$*" ] && exit 0
command -v python3 >/dev/null || cannot "no python3"
log=$folder/install.log
rm -rf "$folder/venv" "$folder/cache"
echo "yowasp: installing $* into $folder/venv" >&2
python3 -m venv "$folder/venv" >"$log" 2>&1 ||
    cannot "python3 -m venv failed (apt-get install python3-venv): $(tail -n 3 "$log")"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --timeout 30 "$@" >"$log" 2>&1 ||
    cannot "pip cannot install $*: $(tail -n 3 "$log")"
echo "$*" >"$folder/venv/.packages"
