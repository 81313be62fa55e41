#!/usr/bin/env bash
# Installs the tools that the tests ask about the kernel's state beside xdpload
# itself. It never fails: a test whose witness is missing is skipped and named.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

declare -A package=([ip]=iproute2 [tc]=iproute2 [bpftool]=bpftool)

missing() {
	for tool in ip tc bpftool; do
		command -v "$tool" >/dev/null || echo "$tool"
	done
}

apt_install() {
	local packages
	packages=$(for tool in "$@"; do echo "${package[$tool]}"; done | sort -u)
	# shellcheck disable=SC2086 # one word for each package
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=60 $packages </dev/null >/dev/null 2>&1
}

apt_update() {
	apt-get update -qq </dev/null >/dev/null 2>&1
}

mapfile -t absent < <(missing)
if ((${#absent[@]})) && ((EUID == 0)) && command -v apt-get >/dev/null; then
	echo "witnesses: installing ${absent[*]}"
	apt_install "${absent[@]}" ||
		{ { apt_update || { sleep 3 && apt_update; }; } && apt_install "${absent[@]}"; } || true
	mapfile -t absent < <(missing)
fi
if ((${#absent[@]})); then
	echo "witnesses: ${absent[*]} not found (Debian packages iproute2, bpftool): the tests that ask them are skipped"
fi
