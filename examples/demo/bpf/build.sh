#!/bin/sh
# Compiles the objects of the demo anew (needs clang).
set -eu
cd "$(dirname "$0")"
flags="-O2 -gdwarf-5 -gembed-source -fdebug-compilation-dir=/demo -target bpfel -Wall"
clang $flags -c foo.c -o foo.o
clang $flags -DVERDICT=1 -c foo.c -o bar.o
