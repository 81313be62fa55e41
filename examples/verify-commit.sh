#!/bin/sh
# For "git bisect run": does the kernel accept the programs of this commit?
#
#   git bisect start BAD GOOD
#   BUILD='make -C bpf' git bisect run verify-commit.sh bpf/foo.o program xdp_main
#
# Or, in a tree of the kernel, for an object that stays the same: since which commit does
# the verifier refuse it? Each kernel is booted in a QEMU guest by vm exec, see
# docs/verify.md.
#
#   BUILD='make -j8 bzImage' IMAGE=arch/x86/boot/bzImage git bisect run verify-commit.sh /src/foo.o
#
# The words are those of xdpload verify. The status is 0 for a commit whose
# programs are accepted, 1 when one is rejected, and 125, which has git go on to
# another commit, for one that cannot be built or asked.
set -u
sh -c "${BUILD:-true}" >&2 || exit 125
if [ -n "${IMAGE:-}" ]; then
	said=$(vm exec -kernel "$IMAGE" "$(command -v xdpload)" verify "$@" 2>&1)
else
	said=$(xdpload verify "$@" 2>&1)
fi
status=$?
printf '%s\n' "$said"
case "$status $said" in
"0 "*) exit 0 ;;
"2 "*" rejected: "*) exit 1 ;;
esac
exit 125
