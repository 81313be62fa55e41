#!/bin/sh
# Rebuilds the committed objects, as internal/testobj/build.sh does.
set -eu
cd "$(dirname "$0")"
for end in el eb; do
	${CLANG:-clang} -target "bpf$end" -O2 -g -Wall -Werror -mcpu=v2 -fno-ident -ffreestanding -nostdinc \
		-fdebug-compilation-dir=/netcmd -fno-stack-protector -c monitor.c -o "monitor_$end.o"
	${LLVM_STRIP:-llvm-strip} --strip-debug "monitor_$end.o"
done
