#!/usr/bin/env bash
# Puts packages and all that they need into a folder, unpacked, without root and without touching the system: for QEMU,
# a kernel and busybox, which the guest tests run. Debian's own apt fetches and checks them, from the mirror that this
# machine is set up with.
#
#   fetch.sh FOLDER stock PACKAGE...    from the suites of this machine
#   fetch.sh FOLDER new PACKAGE...      from trixie and trixie-backports
#
# A folder that was filled before is left as it is. Exit status 3: cannot be had here, with the reason on stderr.
set -euo pipefail

folder=$1 suites=$2
shift 2
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9 # of several that want the same, one fetches
[ -e "$folder/.whole" ] && exit 0

cannot() { echo "fetch: $*" >&2; exit 3; }
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || cannot "no $tool: this needs Debian's package tools"
done

rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
state=$folder/apt
mkdir -p "$state"/{lists/partial,cache/archives/partial,etc}
: >"$state/status"
options=(
    -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status"
    -o "Dir::Cache=$state/cache" -o "APT::Sandbox::User=$(id -un)" -o "APT::Install-Recommends=false"
    -o "Acquire::http::Timeout=30" -o "Acquire::Retries=2" -o "DPkg::Post-Invoke=" -o "APT::Update::Post-Invoke="
    -o "APT::Keep-Downloaded-Packages=true" -o "Acquire::Languages=none"
)
if [ "$suites" = new ]; then
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null |
        grep -E '/debian/?$' | head -n 1 || true)
    [ -n "$mirror" ] && [ -e "$key" ] || cannot "no Debian mirror is set up here"
    cat >"$state/etc/sources.list" <<SOURCES
deb [signed-by=$key] $mirror trixie main
deb [signed-by=$key] $mirror trixie-backports main
SOURCES
    : >"$state/etc/preferences"
    options+=(
        -o "Dir::Etc::SourceList=$state/etc/sources.list" -o "Dir::Etc::SourceParts=/dev/null"
        -o "APT::Default-Release=trixie-backports"
    )
fi
apt-get "${options[@]}" update -qq >"$state/log" 2>&1 || cannot "apt-get update failed: $(tail -n 3 "$state/log")"
apt-get "${options[@]}" install -y -qq --download-only "$@" >>"$state/log" 2>&1 ||
    cannot "cannot download $*: $(tail -n 3 "$state/log")"
mkdir "$folder/root"
for package in "$state"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder/root"
done
rm -rf "$state"
touch "$folder/.whole"
