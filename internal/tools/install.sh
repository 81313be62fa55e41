#!/usr/bin/env bash
# Installs the programs that are named and missing, by apt, for the tests that
# compare with them. It never fails: what needs a missing program is skipped, and
# says so.
#
#	install.sh ip tc bpftool
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

declare -A package=([ip]=iproute2 [tc]=iproute2 [xz]=xz-utils)

# missing prints the programs of its arguments that are not there.
missing() {
	for program; do
		command -v "$program" >/dev/null || echo "$program"
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

mapfile -t absent < <(missing "$@")
if ((${#absent[@]})) && ((EUID == 0)) && command -v apt-get >/dev/null; then
	echo "installing ${absent[*]}"
	mapfile -t packages < <(for program in "${absent[@]}"; do echo "${package[$program]:-$program}"; done | sort -u)
	install_packages "${packages[@]}"
	mapfile -t absent < <(missing "$@")
fi
if ((${#absent[@]})); then
	echo "not found: ${absent[*]}"
fi
