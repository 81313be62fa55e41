#!/bin/sh
# Assembles jit.s, and has llvm-objdump say what each word is: jit.txt.
set -eu
cd "$(dirname "$0")"
object=$(mktemp)
trap 'rm -f "$object"' EXIT
clang --target=aarch64-linux-gnu -march=armv8.5-a -c jit.s -o "$object"
llvm-objdump -d --mattr=+v8.5a --print-imm-hex "$object" |
	sed -n 's/^ *[0-9a-f]*: \(..\) \(..\) \(..\) \(..\) *\t*/\1\2\3\4 /p' | tr '\t' ' ' | sed 's/ *<[^>]*>//' >jit.txt
