#!/bin/bash
# Shows XDP metadata at work on a veth pair of its own: run.sh PATH-OF-XDPLOAD
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
# found reads the map by the program's id: others may run a program with its name.
found() { "$xdpload" -json map dump "prog:$id/marked"; }

run tc filter add dev eth0 ingress bpf da obj marker.o
id=$("$xdpload" -json tc filter show dev eth0 ingress | grep -oE '"id":[0-9]+' | head -n 1 | cut -d: -f2)
run link set dev eth0 xdp obj marker.o
send 7 5
send 9 3
expect "5 packets without a mark, 3 with one" "$(numbers "$(found)")" "5 3"

run link set dev eth0 xdp off
send 9 2
expect "without XDP 2 more without a mark" "$(numbers "$(found)")" "7 3"
run tc qdisc del dev eth0 clsact
echo "ok"
