#!/bin/bash
# Shows a classifier choosing classes on a veth pair of its own: run.sh PATH-OF-XDPLOAD
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
tc() { echo "\$ tc $*"; command tc "$@"; }
out() { for ((i = 0; i < $2; i++)); do echo hello >/dev/udp/10.0.0.2/$1; done; }
packets() { command tc -s class show dev eth0 | awk '/^class/ { c = $3 } /Sent/ { if (c == "'"$1"'") print $4 }'; }

tc qdisc add dev eth0 root handle 1: htb default 30
tc class add dev eth0 parent 1: classid 1:10 htb rate 50mbit quantum 1500
tc class add dev eth0 parent 1: classid 1:20 htb rate 10mbit quantum 1500
tc class add dev eth0 parent 1: classid 1:30 htb rate 1mbit quantum 1500

run tc filter add dev eth0 parent 1: protocol ip bpf obj shaper.o classid 1:10
out 53 4
out 9 3
out 7 2
expect "4 datagrams for port 53 in class 1:10, of the filter" "$(packets 1:10)" 4
expect "3 for port 9 in class 1:20, of the return value" "$(packets 1:20)" 3
[[ $(packets 1:30) -ge 2 ]] || { echo "the default class sent $(packets 1:30)" >&2; exit 1; }
echo "  the others in the default class"
run tc filter show dev eth0 parent 1:
echo "ok"
