#!/usr/bin/env bash
# Runs the generators in a copy of the tree that lacks what they write, and names
# every file that is missing, left over or different in the tree itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tree"
tar --exclude=./.git --exclude=./bin -cf - . | tar -xf - -C "$scratch/tree"
cp -a "$scratch/tree" "$scratch/generated"

rm -f "$scratch"/generated/docs/{commands.md,man/*,completions/*}
make -s -C "$scratch/generated" generate

cd "$scratch"
if ! stale=$(diff -rq tree generated); then
	sed -E -e 's|^Files tree/(.*) and .* differ$|generated: \1 is stale|' \
		-e 's|^Only in generated/?(.*): (.*)$|generated: \1/\2 is missing|' \
		-e 's|^Only in tree/?(.*): (.*)$|generated: \1/\2 is left over: no generator writes it|' <<<"$stale" >&2
	echo "generated: run make generate and commit the result" >&2
	exit 1
fi
