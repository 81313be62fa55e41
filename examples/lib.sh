# What the example scripts share. They have entered a mount and a network namespace
# of their own, so all of this ends with them.

# devices makes eth0 here, 10.0.0.1, and its peer 10.0.0.2 in a namespace.
devices() {
	mount --make-rprivate /
	mount -t tmpfs none /run
	mount -t sysfs none /sys
	mount -t bpf -o mode=700 none /sys/fs/bpf
	ip netns add peer
	ip link add eth0 type veth peer name eth0 netns peer
	ip addr add 10.0.0.1/24 dev eth0
	ip -n peer addr add 10.0.0.2/24 dev eth0
	ip link set eth0 up
	ip -n peer link set eth0 up
	ip neigh add 10.0.0.2 lladdr "$(ip netns exec peer cat /sys/class/net/eth0/address)" dev eth0
	ip -n peer neigh add 10.0.0.1 lladdr "$(cat /sys/class/net/eth0/address)" dev eth0
}

# send PORT COUNT sends datagrams from the peer to us.
send() {
	ip netns exec peer bash -c "for ((i = 0; i < $2; i++)); do echo hello >/dev/udp/10.0.0.1/$1 || true; done" 2>/dev/null
}

# numbers JSON prints the values of an array map, in order. Those of maps without
# BTF are the bytes of a little endian number.
numbers() {
	grep -oE '"value":("0x[0-9a-f]{8}"|[0-9]+)' <<<"$1" |
		sed -E 's/.*"0x(..)(..)(..)(..)"/0x\4\3\2\1/; s/.*://' |
		while read -r n; do echo $((n)); done | paste -sd ' '
}

# expect WHAT HAVE WANT
expect() {
	if [[ $2 != "$3" ]]; then
		echo "$1: have $2, want $3" >&2
		exit 1
	fi
	echo "  $1"
}
