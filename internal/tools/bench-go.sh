#!/usr/bin/env bash
# Compares the Go benchmarks of the tree with those of another commit, in turns
# so that what else the machine does meets both: bench-go.sh REV [PACKAGE...]
# ROUNDS (6) runs of TIME (0.2s) each.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
rev=$1
shift
(($#)) || set -- ./elf ./netlink ./internal/grammar ./internal/kerneltypes ./cmd/xdpload

scratch=$(mktemp -d)
trap 'git worktree remove --force "$scratch/base" >/dev/null 2>&1; rm -rf "$scratch"' EXIT
git worktree add --quiet --detach "$scratch/base" "$rev"

# measure appends what the benchmarks of a package print in one of the trees.
measure() {
	local tree=$1 package=$2 out=$3
	(cd "$tree/$package" && "$out.test" -test.run='^$' -test.bench=. -test.benchmem \
		-test.benchtime="${TIME:-0.2s}" -test.timeout=5m) >>"$out.txt"
}

for package; do
	[[ -d $scratch/base/$package ]] || continue
	go -C "$scratch/base" test -c -o "$scratch/old.test" "$package"
	go test -c -o "$scratch/new.test" "$package"
	for ((i = 0; i < ${ROUNDS:-6}; i++)); do
		measure "$scratch/base" "$package" "$scratch/old"
		measure "$top" "$package" "$scratch/new"
	done
done
cd internal/tools
go tool benchstat "$rev=$scratch/old.txt" "tree=$scratch/new.txt"
