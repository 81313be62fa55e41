#!/bin/bash
# Shows tail calls at work on a veth pair of its own: run.sh PATH-OF-XDPLOAD
set -euo pipefail
if [[ ${1-} != inside ]]; then
	[[ $# == 1 && -x $1 ]] || { echo "usage: $0 PATH-OF-XDPLOAD" >&2; exit 1; }
	exec unshare --mount --net -- "$0" inside "$(realpath "$1")"
fi
xdpload=$2
cd "$(dirname "$0")"
. ../lib.sh
devices

run() { echo "\$ xdpload $*"; "$xdpload" "$@"; }
seen() { "$xdpload" -json map dump pinned /sys/fs/bpf/tc/globals/tailcall_seen; }

run tc filter add dev eth0 ingress bpf da obj tailcall.o
send 7 5
send 9 3
expect "8 datagrams, 3 of them discarded" "$(numbers "$(seen)")" "8 3"

run tc exec bpf graft m:globals/tailcall_jmp key 1 obj tailcall.o sec spare
send 9 2
expect "2 more datagrams, forgiven" "$(numbers "$(seen)")" "10 3"

run -brief tc filter show dev eth0
run tc filter del dev eth0 ingress bpf obj tailcall.o
echo "ok"
