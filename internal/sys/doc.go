// Package sys makes the few bpf(2) calls, with the few kernel structs, that no
// dependency offers: a program load without feature probes, maps bound to a
// device, and the fields of object info that cilium/ebpf leaves out.
//
// Layouts are those of include/uapi/linux/bpf.h. It is the only package that
// uses unsafe.
package sys
