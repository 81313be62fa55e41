#!/bin/sh
# Rebuilds the committed objects from src/*.c. Needs clang with the bpf targets
# and llvm-strip; the benchmark does not. big.o is kept packed, as two megabytes
# of similar programs are a few thousand bytes then.
set -eu
cd "$(dirname "$0")"
CLANG=${CLANG:-clang}
STRIP=${LLVM_STRIP:-llvm-strip}

# compile NAME [FLAG...]
compile() {
	name=$1
	shift
	$CLANG -target bpfel -O2 -g -Wall -Werror -mcpu=v2 -fno-ident -ffreestanding -nostdinc \
		-I../../testobj/src -fdebug-compilation-dir=/bench "$@" -c "src/$name.c" -o "$name.o"
	$STRIP --strip-debug "$name.o"
}

compile maps64
compile heavy16 -DTURNS=3000
compile heavy8 -DTURNS=3000
compile big
gzip -9nf big.o
