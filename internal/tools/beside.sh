#!/usr/bin/env bash
# Runs a command, the tests, twice at the same time, and once more beside a
# process that makes and drops BPF objects.
set -euo pipefail
dir=$(mktemp -d)
noise=
trap '[ -z "$noise" ] || kill "$noise"; rm -rf "$dir"' EXIT
failed=0

# report prints what a run said, if it failed.
report() {
	if [ "$2" = 0 ]; then
		echo "ok: $1"
	else
		cat "$dir/$1"
		echo "FAIL: $1"
		failed=1
	fi
}

"$@" >"$dir/first" 2>&1 &
first=$!
"$@" >"$dir/second" 2>&1 &
second=$!
status=0; wait "$first" || status=$?
report first "$status"
status=0; wait "$second" || status=$?
report second "$status"

go build -o "$dir/noise" ./internal/bpftest/noise
"$dir/noise" &
noise=$!
status=0; "$@" >"$dir/beside-noise" 2>&1 || status=$?
report beside-noise "$status"
kill "$noise" || { echo 'FAIL: the noise ended early'; failed=1; }
wait "$noise" || failed=1
noise=
exit "$failed"
