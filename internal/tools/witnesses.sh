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

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=60 "$@" </dev/null 2>&1
}

# install_packages takes package names and shows what apt-get says when it fails.
install_packages() {
	local said
	said=$(apt install --no-install-recommends "$@") && return
	apt update >/dev/null || { sleep 3 && apt update >/dev/null; } || true
	said=$(apt install --no-install-recommends "$@") || tail -n 3 <<<"$said"
}

mapfile -t absent < <(missing)
if ((${#absent[@]})) && ((EUID == 0)) && command -v apt-get >/dev/null; then
	echo "witnesses: installing ${absent[*]}"
	mapfile -t packages < <(for tool in "${absent[@]}"; do echo "${package[$tool]}"; done | sort -u)
	install_packages "${packages[@]}"
	mapfile -t absent < <(missing)
fi
if ((${#absent[@]})); then
	echo "witnesses: ${absent[*]} not found (Debian packages iproute2 and bpftool): the tests that ask them are skipped"
fi
