#!/usr/bin/env bash
# Runs the README's two commands on a machine that has never seen the project: a
# root of Debian 12 (minbase) with Go and certificates added, empty caches, and a
# plain clone of HEAD. Everything is gone afterwards but the tree that debootstrap
# made, which is kept in $XDG_CACHE_HOME/xdpload/debian.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=bookworm
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/xdpload/debian
certificates=etc/ssl/certs/ca-certificates.crt
source=srv/xdpload # in the root

# skip ends the script for what this machine lacks; CI has to have it.
skip() {
	echo "fresh: skipped: $1"
	[[ -z ${CI:-} ]]
	exit
}

# fetch makes the tree, once, and keeps it as an archive.
fetch() {
	[[ -e $cache/$suite.tar ]] && return
	echo "== fresh: debootstrap $suite"
	mkdir -p "$cache"
	debootstrap --variant=minbase --include=ca-certificates "$suite" "$scratch/made" >"$scratch/log" 2>&1 || {
		skip "debootstrap: $(tail -n 1 "$scratch/log")"
	}
	tar -C "$scratch/made" --one-file-system -cf "$cache/$suite.part" .
	mv "$cache/$suite.part" "$cache/$suite.tar"
	rm -rf "$scratch/made"
}

# furnish adds to the root what the machine has: Go, its certificates, the way to
# the network, the sources.
furnish() {
	mkdir "$root"
	tar -C "$root" -xf "$cache/$suite.tar"
	cp -a "$(go env GOROOT)" "$root/usr/local/go"
	cp -L "${SSL_CERT_FILE:-/$certificates}" "$root/$certificates"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	git clone -q . "$root/$source"
	chroot "$root" useradd --create-home user
}

# settings prints what the machine has set of how modules are fetched.
settings() {
	for name in GOPROXY GONOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOINSECURE GOFLAGS GOTOOLCHAIN; do
		printf '%s=%s\0' "$name" "$(go env "$name")"
	done
	env -0 | grep -zi '^\(http\|https\|no\)_proxy=' || true
}

# mounts makes the kernel's file systems in the root, seen in this namespace only.
mounts() {
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t bpf bpf "$root/sys/fs/bpf"
	mount --rbind /dev "$root/dev"
}

# as USER COMMAND... runs a command in the clone, with an environment of its own.
as() {
	local user=$1 home=/root
	shift
	[[ $user == root ]] || home=/home/$user
	echo "== fresh: $user: $*"
	local began=$SECONDS
	chroot --userspec="$user" "$root" env -i "${environment[@]}" HOME="$home" \
		PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "cd /$source && exec \"\$@\"" sh "$@" || {
		echo "fresh: $user: $* failed, after $((SECONDS - began)) s"
		exit 1
	}
	echo "== fresh: $user: $*: $((SECONDS - began)) s"
}

# enter runs in the namespaces that the script is started in once more.
enter() {
	root=$1
	mapfile -d '' environment < <(settings)
	mounts
	as root go run ./examples/demo
	as root go test ./...
	# The user has the modules and what was compiled of them, but no results.
	mv "$root/root/go" "$root/root/.cache" "$root/home/user/"
	chroot "$root" chown -R user:user /home/user
	as user go clean -testcache
	as user go test ./...
}

if [[ ${1:-} == enter ]]; then
	enter "$2"
	exit
fi
((EUID == 0)) || skip 'needs root'
command -v debootstrap >/dev/null || skip 'needs debootstrap'
scratch=$(mktemp -d)
root=$scratch/root
trap 'rm -rf --one-file-system "$scratch"' EXIT
fetch
furnish
unshare --mount --propagation private --pid --fork --kill-child "$0" enter "$root"
