// Package check says what a BPF object asks of a kernel and of a loader, before
// either has seen it: the oldest Linux that has all that it needs, what of it
// needs a GPL-compatible licence, and which loaders cannot load it and why.
//
// The versions of helpers, map types and program types up to Linux 5.5 are
// those of docs/kernel-versions.md of github.com/iovisor/bcc, which has the
// commit of each; a helper's number tells its age, because the list in
// include/uapi/linux/bpf.h only grows at its end. For what is younger there is
// no such list: the versions are the releases' known history, and the tests
// hold them to three kernels, 6.1, 6.12 and 6.18: of 30 needs, each must refuse
// what it is too old for and load the rest. Kernel functions, attach types and
// the findings about other loaders have no such witness.
// Distributions backport: a kernel may have more than its version says.
package check
