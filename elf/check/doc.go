// Package check says what a BPF object asks of a kernel and of a loader, before
// either has seen it: the oldest Linux that has all that it needs, what of it
// needs a GPL-compatible licence, and which loaders cannot load it and why.
//
// The versions are facts of the kernel's history. Those of helpers, map types
// and program types up to Linux 5.5 are in docs/kernel-versions.md of
// github.com/iovisor/bcc, with the commit of each; a helper's number tells its
// age, because the list in include/uapi/linux/bpf.h only grows at its end. Later
// ones are those of the release whose bpf.h has the constant first, of
// Documentation/bpf, and of kernel/bpf for instructions and kernel functions.
// Distributions backport: a kernel may have more than its version says.
package check
