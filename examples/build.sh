#!/bin/sh
# Compiles the objects of the examples anew (needs clang).
set -eu
cd "$(dirname "$0")"
for name in tailcall marker shaper; do
	(cd $name && clang -O2 -g -fdebug-compilation-dir=/$name -target bpfel -Wall -c $name.c -o $name.o && llvm-strip --strip-debug $name.o)
done
