#!/bin/sh
# Rebuilds every committed object from src/*.c. Needs clang with the bpf
# targets and llvm-strip; tests never do. The result names no directory of
# the machine that ran it: sources are compiled by relative path and the
# compilation directory is mapped to "/testobj".
set -eu
cd "$(dirname "$0")"
CLANG=${CLANG:-clang}
STRIP=${LLVM_STRIP:-llvm-strip}
FLAGS="-O2 -Wall -Werror -mcpu=v2 -fno-ident -ffreestanding -nostdinc
	-fdebug-compilation-dir=/testobj -fno-stack-protector"

# compile SOURCE OBJECT [FLAG...]: little endian unless a flag says otherwise.
compile() {
	src=$1 obj=$2
	shift 2
	# shellcheck disable=SC2086
	$CLANG -target bpfel $FLAGS "$@" -c "src/$src.c" -o "$obj.o"
}

# machine OBJECT NUMBER: sets the low byte of e_machine of a little endian object.
machine() {
	printf "\\$(printf %o "$2")" | dd of="$1.o" bs=1 seek=18 conv=notrunc status=none
}

rm -f ./*.o
for src in src/*.c; do
	name=$(basename "$src" .c)
	case $name in
	legacy) ;;
	common) compile "$name" "$name" -g -fcommon ;;
	# With the lines of the source, which the compilation directory hides from clang.
	rejected | hugelog | trials) compile "$name" "$name" -g -gdwarf-5 -gembed-source ;;
	*) compile "$name" "$name" -g ;;
	esac
done

# Faults in the conventions of iproute2, each by its number in the source.
for fault in 1 2 3; do
	compile tail "tail_fault$fault" -g "-DFAULT=$fault"
	compile mim "mim_fault$fault" -g "-DFAULT=$fault"
done

# For the nfp driver: one for each rule that can be broken, and those that break none.
for rule in 1 2 3 4 5 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	compile nfp "nfp_rule$rule" -g "-DRULE=$rule"
done
compile nfp nfp_rule6 -g -DRULE=6 -mcpu=v3
for ok in 1 2 3 4; do
	compile nfp "nfp_ok$ok" -g "-DOK=$ok"
done

compile externs externs_typed -g -DTYPED

# Without BTF, as clang without -g makes them.
for name in tiny count tc two subprog tail mim pins mixed maps70 globals callback; do
	compile "$name" "${name}_nobtf"
done

# Big endian.
for name in tiny count tc two core subprog tail tailbtf mimbtf globals callback; do
	compile "$name" "${name}_be" -g -target bpfeb
done
compile tiny tiny_nobtf_be -target bpfeb

# struct bpf_elf_map in every size that iproute2 has had.
for size in 16 20 28 36; do
	compile legacy "legacy$size" -g "-DMAP_SIZE=$size"
	compile legacy "legacy${size}_nobtf" "-DMAP_SIZE=$size"
done
compile legacy legacy36_be -g -DMAP_SIZE=36 -target bpfeb

# Types and lines (BTF) without DWARF, which is large. Two objects keep it, as
# most objects in the field have it.
for obj in *.o; do
	case $obj in
	tiny.o | core.o) ;;
	*) $STRIP --strip-debug "$obj" ;;
	esac
done

# What old compilers and other tools leave.
compile tiny machine0 -g
machine machine0 0
compile tiny stripped
$STRIP --strip-all stripped.o
